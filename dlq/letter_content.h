#pragma once
// What of a record goes into a dead letter.  Any thread.

#include <string>

#include "core/batch.h"

namespace sluice::dlq {

// {"id":5}; empty when the record has no key.
std::string letter_key(const Record& record);

// {"op","database","schema","table","source_time","before","after","key","meta","unchanged"}; what the record does not have is left out.
// "unchanged" lists the columns of the row that the log left out (G16).
std::string letter_record(const Batch& batch, const Record& record);

// The row as the source made it (G19); empty where there is none.
std::string letter_input(const Record& record);

}  // namespace sluice::dlq
