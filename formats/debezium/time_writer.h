#pragma once
// Dates, times and intervals as Debezium's time_precision_mode and interval_handling_mode say.  Each is false where the value is of
// another type.

#include "core/value.h"
#include "formats/debezium/column_type.h"
#include "formats/debezium/options.h"
#include "formats/text_buffer.h"

namespace sluice::debezium {

bool write_date(const Options& options, const Value& value, TextBuffer& out);
bool write_time(const Options& options, const ColumnType& type, const Value& value, TextBuffer& out);
bool write_timestamp(const Options& options, const ColumnType& type, const Value& value, TextBuffer& out);
bool write_zoned_time(const Value& value, TextBuffer& out);
bool write_zoned_timestamp(const ColumnType& type, const Value& value, TextBuffer& out);
bool write_interval(const Options& options, const Value& value, TextBuffer& out);

}  // namespace sluice::debezium
