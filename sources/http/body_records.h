#pragma once
// A body that came by HTTP -> records of batches, a piece at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_builder.h"
#include "formats/codec.h"
#include "formats/json_reader.h"
#include "sources/file_decoder.h"
#include "sources/http/json_items.h"

namespace sluice::sources {

// How the records stand in the body.
enum class BodyLayout : std::uint8_t {
  kLines,   // one a line; CSV with its header first
  kItems,   // of a JSON array
  kSingle,  // the whole body is one JSON object
};

// One body.  One thread.
class BodyRecords {
 public:
  // `json` and `schemas` outlive it.
  BodyRecords(const InputCodecConfig& format, JsonReader& json, SchemaPool& schemas);

  // kBadRecord json_syntax or csv_header where the body as a whole cannot be read.  An item or a line that cannot be is found later.
  Status open(std::string body, BodyLayout layout);
  // The same for items whose places in `body` are known, ascending.
  void open_items(std::string body, const std::vector<TextRange>& items);

  // Appends records and rejected inputs with the ordinals {major, 1}, {major, 2} ... until `out` is full or the body ends.  For kSingle an
  // error where the body cannot be read; nothing is appended then.
  Status fill(BatchBuilder& out, std::uint16_t partition, std::uint64_t major);

  bool done() const { return next_ == pieces_.size(); }
  std::uint64_t given() const { return accepted_ + rejected_; }  // the minor of the last record
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t rejected() const { return rejected_; }

 private:
  Status cut_lines();
  Status append(std::string_view piece, BatchBuilder& out, std::uint16_t partition, std::uint64_t major);

  const InputCodecConfig& format_;
  std::unique_ptr<FileDecoder> decoder_;
  std::string body_;
  BodyLayout layout_ = BodyLayout::kLines;
  std::vector<std::string_view> pieces_;  // of body_, ascending
  std::size_t next_ = 0;
  std::uint64_t accepted_ = 0, rejected_ = 0;
};

}  // namespace sluice::sources
