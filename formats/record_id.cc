#include "formats/record_id.h"

#include <charconv>

namespace sluice {

namespace {

void write_part(std::uint64_t number, TextBuffer& out) {
  constexpr std::size_t kBytes = 24;
  char* at = out.room(kBytes);
  *at++ = '/';
  out.end_at(std::to_chars(at, at + kBytes - 1, number).ptr);
}

}  // namespace

void write_record_id(const Batch& batch, const Record& record, TextBuffer& out) {
  out.append(batch.checkpoint_keys()[record.partition]);
  const Ordinal ordinal = batch.log_ordinal(record);
  write_part(ordinal.major, out);
  write_part(ordinal.minor, out);
  if (record.sub != 0) write_part(record.sub, out);
}

}  // namespace sluice
