#include "sources/http/body_records.h"

#include <cstring>
namespace sluice::sources {

namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;  // of the body that are copied into a batch at once

Error no_json(std::string_view what) { return {ErrorKind::kBadRecord, "json_syntax", "the body is no JSON " + std::string(what)}; }

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

BodyRecords::BodyRecords(const InputCodecConfig& format, JsonReader& json, SchemaPool& schemas)
    : format_(format), decoder_(make_file_decoder(format, json, schemas)) {}

void BodyRecords::open_items(std::string body, const std::vector<TextRange>& items) {
  body_ = std::move(body);
  layout_ = BodyLayout::kItems;
  for (const TextRange& item : items) pieces_.push_back(std::string_view(body_).substr(item.begin, item.size));
}

Status BodyRecords::open(std::string body, BodyLayout layout) {
  body_ = std::move(body);
  layout_ = layout;
  if (layout == BodyLayout::kItems) {
    std::vector<TextRange> items;
    if (!split_json_array(body_, items)) return no_json("array");
    for (const TextRange& item : items) pieces_.push_back(std::string_view(body_).substr(item.begin, item.size));
  }
  if (layout == BodyLayout::kSingle) {
    const std::string_view whole = trim_json(body_);
    const std::size_t length = json_value_length(whole);
    if (length == 0) return no_json("object");
    if (length != whole.size()) {
      return Error(ErrorKind::kBadRecord, "json_syntax",
                   "something follows the JSON object: send an array, or lines as application/x-ndjson");
    }
    pieces_.push_back(whole);
  }
  return layout == BodyLayout::kLines ? cut_lines() : Status();
}

Status BodyRecords::cut_lines() {
  std::string_view rest = body_;
  if (rest.starts_with("\xef\xbb\xbf") && format_.format != Format::kCsv) rest.remove_prefix(3);
  while (!rest.empty()) {
    const std::size_t length = decoder_->record_length(rest);
    const std::string_view line = rest.substr(0, length == 0 ? rest.size() : length);
    rest.remove_prefix(line.size());
    const std::string_view piece = without_line_end(line);
    if (decoder_->is_blank(piece)) continue;
    const auto columns = decoder_->columns();
    if (columns != FileDecoder::Columns::kKnown) SLUICE_TRY(decoder_->set_columns(line));
    if (columns != FileDecoder::Columns::kFromHeader) pieces_.push_back(piece);
  }
  return {};
}

Status BodyRecords::append(std::string_view piece, BatchBuilder& out, std::uint16_t partition, std::uint64_t major) {
  Record record;
  record.op = Op::kInsert;
  record.partition = partition;
  record.ordinal = {major, given() + 1};
  record.raw = piece;
  Status decoded = decoder_->decode(piece, out.batch(), Utf8::kUnchecked, record);
  if (decoded) {
    out.append(record);
    ++accepted_;
    return {};
  }
  if (decoded.error().kind() != ErrorKind::kBadRecord || layout_ == BodyLayout::kSingle) return decoded;
  out.reject(partition, record.ordinal, piece, std::move(decoded).error());
  ++rejected_;
  return {};
}

Status BodyRecords::fill(BatchBuilder& out, std::uint16_t partition, std::uint64_t major) {
  while (!done() && !out.full()) {
    // Pieces that stand together in the body are copied together.
    const char* const begin = pieces_[next_].data();
    std::size_t last = next_ + 1;
    const auto end_of = [&](std::size_t i) { return static_cast<std::size_t>(pieces_[i].data() + pieces_[i].size() - begin); };
    while (last < pieces_.size() && end_of(last) <= kBlockBytes) ++last;
    const std::size_t size = end_of(last - 1);
    auto* const memory = static_cast<char*>(out.arena().allocate(size + JsonReader::kPadding, 1));
    std::memcpy(memory, begin, size);
    std::memset(memory + size, 0, JsonReader::kPadding);
    for (; next_ < last && !out.full(); ++next_) {
      const std::string_view piece(memory + (pieces_[next_].data() - begin), pieces_[next_].size());
      SLUICE_TRY(append(piece, out, partition, major));
    }
  }
  return {};
}

}  // namespace sluice::sources
