#pragma once
// A record as bytes from which it can be made again without loss: what JSON cannot tell apart (a decimal and a text, a column that the log
// left out and null) stays apart.  Any thread.
//
//   version(1)  ingest_time  meta-names  op(1)  source_time  schema  before  after  key  input-schema  input  meta  tags
//   numbers are varints (LEB128, signed ones zigzag); a schema is 0 or 1 and its spec; a row is its size and values; a value is its type
//   and content; texts are length and bytes.
//
// The layout is part of the store's version: what is written today is read by later versions.

#include <memory>
#include <string>
#include <string_view>

#include "core/batch.h"
#include "core/result.h"
#include "core/schema.h"

namespace sluice::dlq {

// Without raw, partition, ordinal and sub, which a letter has columns for.
std::string letter_image(const Batch& batch, const Record& record);

// What stands beside the record in an image.
struct ImageHeader {
  std::int64_t ingest_time = 0;
  std::vector<std::string> meta;  // names of the slots of Record::meta
};

// kFatal `damaged_letter`: the bytes are no image.
Result<ImageHeader> read_image_header(std::string_view image);

// A record in `batch`, whose meta schema must have the slots of the header.  Its memory is the batch's.  Errors as above.
Result<Record> read_image(std::string_view image, SchemaPool& schemas, Batch& batch);

}  // namespace sluice::dlq
