// Cutting JSON bodies into items without reading them: one bad item spoils no other, a broken frame spoils all.

#include <catch2/catch.hpp>

#include "sources/http/json_items.h"

using namespace sluice::sources;

namespace {

using Items = std::vector<std::string>;

Items items_of(const std::string& text) {
  std::vector<TextRange> ranges;
  if (!split_json_array(text, ranges)) return {"!"};
  Items items;
  for (const TextRange& range : ranges) items.push_back(text.substr(range.begin, range.size));
  return items;
}

std::string at(const std::string& text, const std::vector<std::string>& path) { return std::string(find_json(text, path).value_or("!")); }

}  // namespace

TEST_CASE("arrays are cut into their items") {
  CHECK(items_of("[]").empty());
  CHECK(items_of(" [ \n ] ").empty());
  CHECK(items_of(R"( [ {"a": [1, "]"]} , 2,"x\"]",[[]] ] )") == Items{R"({"a": [1, "]"]})", "2", R"("x\"]")", "[[]]"});
  CHECK(items_of(R"([{"a":},nul,{"b":1}])") == Items{R"({"a":})", "nul", R"({"b":1})"});  // for the items' reader to judge
}

TEST_CASE("frames that are broken are no arrays") {
  for (const std::string text :
       {"", "[", "]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1]]", "[[1]", "[{]}", R"(["a])", "{}", "[1] x", R"(["\"])", "[1:2]"}) {
    INFO(text);
    CHECK(items_of(text) == Items{"!"});
  }
}

TEST_CASE("values are found by their path") {
  const std::string text = R"( {"a": {"b": [1, 2], "c": "x}"}, "n": null, "a": 2} )";
  CHECK(at(text, {"a", "b"}) == "[1, 2]");
  CHECK(at(text, {"a", "c"}) == R"("x}")");
  CHECK(at(text, {"n"}) == "null");
  CHECK(at(text, {"x"}) == "!");
  CHECK(at(text, {"a", "b", "c"}) == "!");
  CHECK(at("[1]", {}) == "[1]");
  CHECK(at("[1] 2", {}) == "!");
  CHECK(at("[1]", {"a"}) == "!");
  CHECK(at(R"({"a" 1})", {"a"}) == "!");
}

TEST_CASE("deep nesting needs no stack") {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  CHECK(items_of("[" + deep + "]") == Items{deep});
  CHECK(items_of(deep + "]") == Items{"!"});
}
