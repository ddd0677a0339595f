#include "formats/json_shapes.h"

#include <algorithm>
#include <functional>

namespace sluice {

namespace {

// Up to this many children are searched one by one.
constexpr std::size_t kFewChildren = 8;

bool needs_escape(std::string_view key) {
  return std::any_of(key.begin(), key.end(), [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

void set_literal(JsonShape& shape) {
  if (needs_escape(shape.key)) return;
  shape.quoted = '"' + shape.key + '"';
  shape.quoted_size = static_cast<std::uint32_t>(shape.quoted.size());
  char bytes[16] = {};
  char mask[16] = {};
  const std::size_t size = std::min<std::size_t>(shape.quoted.size(), 16);
  std::memcpy(bytes, shape.quoted.data(), size);
  std::memset(mask, 0xff, size);
  std::memcpy(shape.words, bytes, sizeof(bytes));
  std::memcpy(shape.masks, mask, sizeof(mask));
}

bool on_path(const JsonShape* shape, std::string_view key, std::size_t hash) {
  for (; shape->parent != nullptr; shape = shape->parent) {
    if (shape->hash == hash && shape->key == key) return true;
  }
  return false;
}

JsonShape* find_child(const JsonShape& from, std::string_view key) {
  if (from.children.size() > kFewChildren) {
    const auto found = from.index.find(key);
    return found == from.index.end() ? nullptr : found->second;
  }
  for (JsonShape* child : from.children) {
    if (child->key == key) return child;
  }
  return nullptr;
}

}  // namespace

void JsonShapes::clear() {
  nodes_.clear();
  nodes_.emplace_back();
  key_bytes_ = 0;
}

JsonShape* JsonShapes::extend(JsonShape* from, std::string_view key) {
  JsonShape* child = find_child(*from, key);
  if (child == nullptr) {
    const std::size_t hash = std::hash<std::string_view>{}(key);
    if (on_path(from, key, hash)) return nullptr;
    child = add(from, key, hash);
  }
  from->predicted = child;
  return child;
}

JsonShape* JsonShapes::add(JsonShape* from, std::string_view key, std::size_t hash) {
  JsonShape& child = nodes_.emplace_back();
  child.key = key;
  child.hash = hash;
  child.parent = from;
  child.fields = from->fields + 1;
  set_literal(child);
  key_bytes_ += 2 * key.size();
  from->children.push_back(&child);
  if (from->children.size() == kFewChildren + 1) {
    for (JsonShape* each : from->children) from->index.emplace(each->key, each);
  } else if (from->children.size() > kFewChildren) {
    from->index.emplace(child.key, &child);
  }
  return &child;
}

SchemaRef JsonShapes::make_schema(const JsonShape* shape) {
  SchemaSpec spec;
  spec.fields.resize(shape->fields);
  for (; shape->parent != nullptr; shape = shape->parent) spec.fields[shape->fields - 1].name = shape->key;
  return pool_.intern(std::move(spec));
}

}  // namespace sluice
