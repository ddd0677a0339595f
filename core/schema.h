#pragma once
// The shape that many records share: a table's columns or the keys of a JSON object.
// Schemas are immutable and interned, so that a field is resolved to a slot once per schema and not once per record.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/value.h"

namespace sluice {

struct Field {
  std::string name;
  // What the origin declares; nullopt where any type may come (JSON).  Values of the field may be kNull and kUnchanged as well.
  std::optional<Value::Type> type = std::nullopt;
  bool nullable = true;
  std::string origin_type = {};          // as the origin spells it, "numeric(10,2)"; empty where it has no types
  std::string base_type = {};            // origin_type with domains resolved; empty: the same as origin_type
  std::string default_expression = {};   // as the origin spells it, "nextval('s'::regclass)"; empty: none
  std::vector<std::string> labels = {};  // of an enumeration, in the order of the origin

  bool operator==(const Field&) const = default;
};

// What a Schema is made from.  Everything takes part in its identity.
struct SchemaSpec {
  std::string database, schema, table;  // empty where the origin has no such thing
  std::vector<Field> fields;
  std::vector<std::uint32_t> key;  // indices into fields, in the order of the key

  bool operator==(const SchemaSpec&) const = default;
};

// Immutable; any thread.  `id()` is never reused within a process: caches key by it, never by address.
class Schema {
 public:
  static constexpr std::uint32_t kAbsent = 0xffffffffU;

  Schema(std::uint64_t id, SchemaSpec spec);

  std::uint64_t id() const { return id_; }
  const SchemaSpec& spec() const { return spec_; }
  const std::vector<Field>& fields() const { return spec_.fields; }
  const std::vector<std::uint32_t>& key() const { return spec_.key; }
  std::size_t size() const { return spec_.fields.size(); }

  // Slot of the field, or kAbsent.  By hash: for compilation per schema, not for every record.
  std::uint32_t find(std::string_view name) const;

 private:
  std::uint64_t id_;
  SchemaSpec spec_;
  std::unordered_map<std::string_view, std::uint32_t> slots_;
};

using SchemaRef = std::shared_ptr<const Schema>;

// Makes schemas; returns the same object for the same spec.  Thread-safe; one per pipeline, outlives its batches.
// At most `cap` schemas are kept for good.  Free-form JSON may have more shapes than that: a schema beyond the cap is made anew
// each time and lives only as long as the batches that hold it (see docs/decisions/0002), so memory stays bounded.
class SchemaPool {
 public:
  static constexpr std::size_t kDefaultCap = 4096;

  explicit SchemaPool(std::size_t cap = kDefaultCap) : cap_(cap) {}
  SchemaPool(const SchemaPool&) = delete;
  SchemaPool& operator=(const SchemaPool&) = delete;

  SchemaRef intern(SchemaSpec spec);

 private:
  const std::size_t cap_;
  std::mutex mutex_;
  std::unordered_multimap<std::size_t, SchemaRef> interned_;  // by hash of the spec
};

}  // namespace sluice
