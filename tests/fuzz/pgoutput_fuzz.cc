// Whatever a server sends, the decoder answers with records or an error: no read beyond a message, no crash, no endless work.
//
// The input is a stream of CopyData messages: { u16 size (big endian) | size bytes }*; what is cut off at the end is fed as it is.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "sources/postgres_cdc/change_assembler.h"

namespace {

using namespace sluice;
using namespace sluice::sources::postgres;

// Every type comes up: the codec is chosen from the oid whether or not such a type exists.
class AnyCatalog final : public RelationCatalog {
 public:
  Result<RelationTypes> describe(const RelationMessage& relation) override {
    RelationTypes types;
    for (const auto& column : relation.columns) {
      ColumnCodec any{static_cast<TextFormat>(column.type % 15), column.type % 2 == 1, ','};
      types.columns.push_back({{"type", "", {}, builtin_codec(column.type).value_or(any)}});
    }
    if (!relation.columns.empty()) types.key.push_back(0);
    return types;
  }
};

// Looks at every value, so that a dangling one is seen.
std::size_t touch(const Value& value) {
  if (value.is_text()) {
    std::size_t sum = 0;
    for (const char c : value.as_text()) sum += static_cast<unsigned char>(c);
    return sum;
  }
  if (value.type() == Value::Type::kInterval) return static_cast<std::size_t>(value.as_interval().days);
  std::size_t sum = 0;
  if (value.type() == Value::Type::kList) {
    for (const Value& item : value.as_list()) sum += touch(item);
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  SchemaPool schemas;
  AnyCatalog catalog;
  TableFilter filter;
  filter.include.emplace_back().pattern = {"*", "*"};
  filter.exclude.push_back({"public", "unwanted"});
  FaultPoints faults;
  SpoolSettings spool;
  spool.memory_bytes = 64 * 1024;  // and no files: the limit is met
  ChangeAssembler assembler(schemas, catalog, filter, "db", spool, faults);
  assembler.restart(StreamPosition::quiet_at(8));
  const auto origin = std::make_shared<BatchOrigin>(BatchOrigin{"pg", nullptr});
  BatchBuilder out(std::make_shared<Batch>(origin, 0), {1024, 1024 * 1024, std::chrono::milliseconds(0)});
  Ordinal last;
  while (rest.size() >= 2) {
    const std::size_t wanted = static_cast<std::size_t>(static_cast<unsigned char>(rest[0])) * 256 + static_cast<unsigned char>(rest[1]);
    rest.remove_prefix(2);
    const std::string_view view = rest.substr(0, std::min(wanted, rest.size()));
    rest.remove_prefix(view.size());
    const std::vector<char> message(view.begin(), view.end());  // its own allocation: an overrun is seen
    if (!assembler.consume({message.data(), message.size()}, out, 0)) break;
    if (assembler.emitting() && (!assembler.emit(out, 0) || assembler.emitting())) break;  // an error, or the batch is full
    if (assembler.quiet_lsn()) assembler.move_to_quiet();
    if (assembler.position().done < last) std::abort();  // positions never go back
    last = assembler.position().done;
  }
  std::size_t sum = 0;
  for (const Record& record : out.batch().records()) {
    for (const auto& row : {record.before, record.after, record.key, record.meta}) {
      for (const Value& value : row) sum += touch(value);
    }
  }
  return sum == static_cast<std::size_t>(-1) ? -1 : 0;
}
