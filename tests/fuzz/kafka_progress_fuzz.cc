// Any bytes as a value of the Kafka sink's progress topic: no crash, and what is accepted is written so that it reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sinks/kafka/progress_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = sluice::sinks::read_progress({reinterpret_cast<const char*>(data), size});
  if (!record) return 0;
  const auto again = sluice::sinks::read_progress(sluice::sinks::write_progress(*record));
  if (!again || *again != *record) std::abort();
  return 0;
}
