// Rows as lines in files, exactly once (G22).
//
//   write   record -> part's buffer -> kernel
//   commit  fsync parts -> fsync staging directory -> manifest.tmp, fsync, rename over manifest, fsync  == committed ==
//           -> rename sealed parts to their final names -> fsync their directories
//   open    parts unknown to the manifest are removed, the others cut to their committed length, renames finished
//
// Invariants:
//   1. A part's bytes up to its committed length were synced before the manifest that names them.
//   2. A final name appears only after the manifest that seals its part is durable, and never changes afterwards.
//   3. The manifest's checkpoint covers exactly the rows in committed bytes and sealed files.
// Any failure leaves the disk as a crash would: the lane calls open() and everything in memory is made anew.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "core/registry.h"
#include "expr/expression.h"
#include "formats/codec.h"
#include "sinks/file/compressor.h"
#include "sinks/file/destination.h"
#include "sinks/file/manifest.h"
#include "sinks/file/part_set.h"

namespace sluice {

template <>
struct EnumNames<sinks::Compression> {
  static constexpr std::array kNames = {std::pair{std::string_view{"none"}, sinks::Compression::kNone},
                                        std::pair{std::string_view{"gzip"}, sinks::Compression::kGzip},
                                        std::pair{std::string_view{"zstd"}, sinks::Compression::kZstd}};
};

namespace sinks {

namespace {

constexpr std::string_view kWho = "file_sink";
constexpr std::uint64_t kMaxManifestBytes = 256ULL * 1024 * 1024;

struct RotateConfig {
  ByteSize size{128ULL * 1024 * 1024};
  std::chrono::milliseconds after{std::chrono::minutes(5)};

  static const ConfigFields<RotateConfig>& fields() {
    static const auto kFields =
        ConfigFields<RotateConfig>{}
            .optional("size", &RotateConfig::size, "A file that has reached this size (as it is on disk) is finished.")
            .optional("after", &RotateConfig::after, "So is one that was begun this long ago, at the next commit.");
    return kFields;
  }
};

struct FileSinkConfig {
  TemplateText path;
  CodecConfig format;
  Compression compression = Compression::kNone;
  RotateConfig rotate;
};

void check_config(const FileSinkConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.path.parts.empty()) context.findings.error(node, "bad_value", "the path is empty");
  if (config.rotate.size.bytes == 0) context.findings.error(node, "out_of_range", "rotate.size must be at least 1 byte");
}

const ConfigFields<FileSinkConfig>& fields() {
  static const auto kFields =
      ConfigFields<FileSinkConfig>{}
          .required("path", &FileSinkConfig::path,
                    "Where finished files go; a template. One that ends in / names a directory: files are called <pipeline>-<sink>-<8 "
                    "digits>.<ext>. "
                    "Else it names the file; once there is more than one, a number goes before the suffix. The constant beginning up to "
                    "the last / "
                    "is the root: unfinished files and the commit's manifest are in <root>/.sluice/.")
          .optional("format", &FileSinkConfig::format, "json (one object a line) or csv.")
          .optional("compression", &FileSinkConfig::compression, "none, gzip or zstd; every commit ends a frame.")
          .optional("rotate", &FileSinkConfig::rotate, "When a file is finished and gets its final name. Also on a graceful stop.")
          .check(check_config);
  return kFields;
}

// The constant beginning of the path up to and including its last '/'.
std::string root_prefix(const TemplateText& path) {
  if (path.parts.empty() || path.parts.front().is_expression) return {};
  const std::string& text = path.parts.front().text;
  return text.substr(0, text.rfind('/') + 1);
}

std::string root_directory(const std::string& prefix) {
  if (prefix.empty()) return ".";
  return prefix.size() == 1 ? prefix : prefix.substr(0, prefix.size() - 1);
}

class FileSink final : public Sink {
 public:
  FileSink(const FileSinkConfig& config, const BuildContext& context, std::unique_ptr<expr::Template> path)
      : config_(config),
        context_(context),
        scope_{context.faults, kWho},
        prefix_(root_prefix(config.path)),
        path_(std::move(path)),
        constant_(config.path.is_constant()),
        layout_(layout_of(config)),
        compressor_(make_compressor(config.compression)),
        shared_encoder_(make_encoder(config.format)),
        destination_(root_directory(prefix_), context.outside_name(), context.component, scope_),
        parts_(compressor_.get(), scope_) {}

  Result<std::optional<Checkpoint>> open(std::stop_token stop) override;
  Status write(const BatchView& view, Rejects& rejects, std::stop_token stop) override;
  Status flush(Rejects&, std::stop_token) override { return {}; }  // write() has answered for every record
  Status commit(const CommitRequest& request, std::stop_token stop) override;
  Status close(Closing how) override;

 private:
  static std::string layout_of(const FileSinkConfig& config) {
    return ConfigType<CodecConfig>::show(config.format) + "+" + ConfigType<Compression>::show(config.compression);
  }

  void reset();
  Status load_manifest(bool locked);
  Status remove_unknown_parts();
  Status publish_sealed();
  Status recover_part(const OpenPart& known);
  bool resume_encoder(PartFile& part);

  Result<PartFile*> part_for(const Batch& batch, const Record& record);
  Result<PartFile*> make_part(const std::string& target);
  Status append(const Batch& batch, const Record& record, PartFile& part);
  Status store(const Batch& batch, const Record& record);

  Status mark_due();
  Status sync_parts(const std::vector<PartFile*>& parts, std::stop_token stop);
  Status write_manifest();
  Status store_manifest(const std::vector<PartFile*>& parts, Checkpoint checkpoint);
  Status commit_through(Checkpoint checkpoint, std::stop_token stop);
  Result<std::string> final_path(const PartFile& part, const std::set<std::string>& taken);
  std::string generated_path(const std::string& target, std::uint64_t number) const;

  const FileSinkConfig config_;
  const BuildContext context_;
  const storage::FaultScope scope_;
  const std::string prefix_;
  const std::unique_ptr<expr::Template> path_;
  const bool constant_;
  const std::string layout_;
  const std::unique_ptr<Compressor> compressor_;
  const std::unique_ptr<Encoder> shared_encoder_;
  Destination destination_;
  PartSet parts_;
  FileManifest manifest_;     // as it is on disk, but for `open` which is made anew by every commit
  PartFile* last_ = nullptr;  // the part of the newest record
  std::string rendered_;      // its path below the root
  std::string scratch_;
  bool staged_ = false;  // the staging directory has a name that is not synced
  bool opened_ = false;
};

void FileSink::reset() {
  parts_.clear();
  manifest_ = {};
  last_ = nullptr;
  staged_ = false;
  opened_ = false;
}

Result<std::optional<Checkpoint>> FileSink::open(std::stop_token) {
  reset();
  const bool locked = SLUICE_TRY(destination_.open());
  SLUICE_TRY(load_manifest(locked));
  SLUICE_TRY(remove_unknown_parts());
  SLUICE_TRY(publish_sealed());
  for (const OpenPart& part : manifest_.open) SLUICE_TRY(recover_part(part));
  opened_ = true;
  return std::optional<Checkpoint>(manifest_.checkpoint);
}

// The first open() leaves an empty manifest, so that parts without a manifest always mean that one was lost.
Status FileSink::load_manifest(bool locked) {
  const std::string path = destination_.manifest_path();
  const std::optional<std::string> text = SLUICE_TRY(storage::read_file(path, kMaxManifestBytes));
  if (text) manifest_ = SLUICE_TRY(parse_manifest(*text));
  const bool ours = text && manifest_.instance == context_.instance;
  if (text && !ours) {
    return Error(
        ErrorKind::kFatal, "other_instance",
        fmt::format(
            "\"{}\" belongs to another installation of sluice with a pipeline \"{}\" and a sink \"{}\"; two would write every row twice",
            path, context_.pipeline, context_.component));
  }
  if (!locked) return Error(ErrorKind::kTransient, "destination_locked", fmt::format("another process is writing below \"{}\"", path));
  if (text) return {};
  const std::vector<std::uint64_t> leftovers = SLUICE_TRY(destination_.list_parts());
  if (!leftovers.empty()) {
    return Error(ErrorKind::kFatal, "manifest_missing",
                 fmt::format("there are parts but no \"{}\": it was removed, and with it what is committed", path));
  }
  manifest_.instance = context_.instance;
  return write_manifest();
}

Status FileSink::remove_unknown_parts() {
  std::set<std::uint64_t> known;
  for (const OpenPart& part : manifest_.open) known.insert(part.number);
  for (const SealedPart& part : manifest_.sealed) known.insert(part.number);
  const std::vector<std::uint64_t> found = SLUICE_TRY(destination_.list_parts());
  for (const std::uint64_t number : found) {
    if (known.contains(number)) continue;
    const std::string path = destination_.part_path(number);
    scope_.points.reach("file_sink.before_part_remove");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return storage::errno_error(errno, "remove", path);
    scope_.points.reach("file_sink.after_part_remove");
  }
  return {};
}

Status FileSink::publish_sealed() {
  for (const SealedPart& part : manifest_.sealed) SLUICE_TRY(destination_.publish(part.number, part.final_path));
  SLUICE_TRY(destination_.sync_published());
  manifest_.sealed.clear();
  return {};
}

Status FileSink::recover_part(const OpenPart& known) {
  auto part = std::make_unique<PartFile>(known.number, destination_.part_path(known.number), known.target, scope_);
  scope_.points.reach("file_sink.before_part_cut");
  SLUICE_TRY(part->recover(known.length));
  scope_.points.reach("file_sink.after_part_cut");
  part->layout = known.layout;
  part->made_at = known.made_at;
  // The age goes on from the wall clock's difference; a clock that was set back makes the part young, never old.
  const std::int64_t age = std::max<std::int64_t>(0, context_.clock.utc_microseconds() - known.made_at);
  part->made_at_steady = context_.clock.now() - std::chrono::microseconds(age);
  const bool goes_on = known.layout == layout_ && !parts_.contains(known.target) && resume_encoder(*part);
  if (goes_on) SLUICE_TRY(parts_.add(std::move(part)));
  if (part) parts_.add_full(std::move(part));
  return {};
}

// False: what the encoder must know of the file cannot be read back; the file is finished as it is.
bool FileSink::resume_encoder(PartFile& part) {
  if (config_.format.format != Format::kCsv) return true;
  if (compressor_) return false;
  part.encoder = make_encoder(config_.format);
  if (part.encoder->resume_bytes() == 0) return false;
  const auto start = part.beginning(part.encoder->resume_bytes());
  return start && part.encoder->resume(*start);
}

Status FileSink::write(const BatchView& view, Rejects& rejects, std::stop_token stop) {
  if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "cancelled", "stopped");
  const std::vector<Record>& records = view.batch->records();
  for (const std::uint32_t index : view.selected) {
    Status stored = store(*view.batch, records[index]);
    if (stored) continue;
    if (stored.error().kind() != ErrorKind::kBadRecord) return stored;
    rejects.add(view, index, std::move(stored).error());
  }
  return {};
}

Status FileSink::store(const Batch& batch, const Record& record) {
  PartFile* const chosen = SLUICE_TRY(part_for(batch, record));
  PartFile& part = *chosen;
  SLUICE_TRY(append(batch, record, part));
  if (part.buffer.size() >= (compressor_ ? PartFile::kFrameBytes : PartFile::kBufferBytes)) SLUICE_TRY(parts_.write_out(part));
  const std::uint64_t size = part.length() + (compressor_ ? 0 : part.buffer.size());
  if (size < config_.rotate.size.bytes) return {};
  last_ = nullptr;
  return parts_.finish(part);
}

Result<PartFile*> FileSink::part_for(const Batch& batch, const Record& record) {
  if (constant_ && last_ != nullptr) return last_;
  scratch_.clear();
  SLUICE_TRY(path_->render(batch, record, scratch_));
  scratch_.erase(0, prefix_.size());
  if (last_ != nullptr && scratch_ == rendered_) return last_;
  PartFile* part = SLUICE_TRY(parts_.find(scratch_));
  if (part == nullptr) part = SLUICE_TRY(make_part(scratch_));
  last_ = part;
  rendered_ = scratch_;
  return part;
}

Result<PartFile*> FileSink::make_part(const std::string& target) {
  SLUICE_TRY(destination_.prepare(generated_path(target, manifest_.next_number)));
  const std::uint64_t number = manifest_.next_number++;
  auto part = std::make_unique<PartFile>(number, destination_.part_path(number), target, scope_);
  part->layout = layout_;
  part->made_at = context_.clock.utc_microseconds();
  part->made_at_steady = context_.clock.now();
  staged_ = true;
  return parts_.add(std::move(part));
}

Status FileSink::append(const Batch& batch, const Record& record, PartFile& part) {
  const bool per_file = config_.format.format == Format::kCsv;
  if (!per_file) return shared_encoder_->encode(batch, record, part.buffer);
  const bool fresh = part.is_empty();
  if (fresh) {
    part.encoder = make_encoder(config_.format);
    if (record.schema == nullptr) return Error(ErrorKind::kBadRecord, "no_row", "a record without columns cannot begin a CSV file");
    part.encoder->header(*record.schema, part.buffer);
  }
  Status encoded = part.encoder->encode(batch, record, part.buffer);
  if (!encoded && fresh) part.buffer.clear();  // the header belongs to the first record that is written
  return encoded;
}

Status FileSink::mark_due() {
  const auto now = context_.clock.now();
  for (PartFile* part : parts_.all()) {
    if (part->full) continue;
    SLUICE_TRY(parts_.write_out(*part));
    const bool due = part->length() >= config_.rotate.size.bytes || now - part->made_at_steady >= config_.rotate.after;
    if (part->is_empty() || !due) continue;
    if (part == last_) last_ = nullptr;
    SLUICE_TRY(parts_.finish(*part));
  }
  return {};
}

Status FileSink::sync_parts(const std::vector<PartFile*>& parts, std::stop_token stop) {
  for (PartFile* part : parts) {
    if (!part->unsynced()) continue;
    if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "cancelled", "stopped");
    scope_.points.reach("file_sink.before_part_sync");
    SLUICE_TRY(part->sync());
    scope_.points.reach("file_sink.after_part_sync");
    if (part->full || part->resting) part->release();
  }
  if (!staged_) return {};
  scope_.points.reach("file_sink.before_staging_sync");
  SLUICE_TRY(destination_.sync_staging());
  scope_.points.reach("file_sink.after_staging_sync");
  staged_ = false;
  return {};
}

std::string FileSink::generated_path(const std::string& target, std::uint64_t number) const {
  if (!target.empty() && target.back() != '/') return target;
  return fmt::format("{}{}-{}-{:08}.{}{}", target, context_.pipeline, context_.component, number, shared_encoder_->extension(),
                     compressor_ ? compressor_->extension() : std::string_view());
}

// A name that neither exists nor was given to another part.
Result<std::string> FileSink::final_path(const PartFile& part, const std::set<std::string>& taken) {
  const bool generated = part.target.empty() || part.target.back() == '/';
  std::string path = generated_path(part.target, part.number);
  std::uint64_t number = part.number;
  bool numbered = generated;
  while (true) {
    const bool exists = SLUICE_TRY(destination_.exists(path));
    if (!exists && !taken.contains(path)) return path;
    if (numbered) number = manifest_.next_number++;  // somebody else's file has our number
    path = generated ? generated_path(part.target, number) : numbered_path(part.target, number);
    numbered = true;
  }
}

Status FileSink::store_manifest(const std::vector<PartFile*>& parts, Checkpoint checkpoint) {
  std::set<std::string> taken;
  manifest_.open.clear();
  for (const PartFile* part : parts) {
    if (part->is_empty()) continue;
    if (!part->full) {
      manifest_.open.push_back({part->number, part->length(), part->made_at, part->layout, part->target});
      continue;
    }
    std::string path = SLUICE_TRY(final_path(*part, taken));
    taken.insert(path);
    manifest_.sealed.push_back({part->number, part->length(), std::move(path)});
  }
  manifest_.checkpoint = std::move(checkpoint);
  context_.faults.reach("file_sink.before_manifest");
  SLUICE_TRY(write_manifest());
  context_.faults.reach("file_sink.after_manifest");
  return {};
}

Status FileSink::write_manifest() {
  return storage::replace_file(destination_.manifest_path(), serialize_manifest(manifest_), context_.faults, "file_sink_manifest",
                               storage::FileHandle::kShared);
}

Status FileSink::commit_through(Checkpoint checkpoint, std::stop_token stop) {
  SLUICE_TRY(mark_due());
  const std::vector<PartFile*> parts = parts_.all();
  const bool moved = checkpoint != manifest_.checkpoint;
  const bool written = std::any_of(parts.begin(), parts.end(), [](const PartFile* part) { return part->unsynced() || part->full; });
  if (!moved && !written) return {};
  SLUICE_TRY(sync_parts(parts, stop));
  SLUICE_TRY(store_manifest(parts, std::move(checkpoint)));
  parts_.drop_full();
  // Committed.  An error from here on makes the lane call open(), which says so and finishes the renames.
  return publish_sealed();
}

Status FileSink::commit(const CommitRequest& request, std::stop_token stop) {
  Checkpoint checkpoint = manifest_.checkpoint;
  for (const std::string& key : request.forgotten) checkpoint.erase(key);
  advance(checkpoint, request.through);
  return commit_through(std::move(checkpoint), std::move(stop));
}

Status FileSink::close(Closing how) {
  if (!opened_) return {};
  opened_ = false;
  Status sealed;
  const std::vector<PartFile*> parts = parts_.all();
  // Rows that no commit covers would be sealed without their position: they are given up instead, and come again.
  const bool committed = std::none_of(parts.begin(), parts.end(), [](const PartFile* part) { return part->unsynced(); });
  if (how == Closing::kSeal && committed) {
    for (PartFile* part : parts) {
      if (sealed && !part->full && !part->is_empty()) sealed = parts_.finish(*part);
    }
    if (sealed) sealed = commit_through(manifest_.checkpoint, {});
  }
  reset();
  destination_.close();
  return sealed;
}

Result<std::unique_ptr<Sink>> build(const FileSinkConfig& config, const BuildContext& context) {
  auto path = SLUICE_TRY(expr::Template::compile(config.path, expr::Template::Encoding::kPath));
  return std::unique_ptr<Sink>(std::make_unique<FileSink>(config, context, std::move(path)));
}

Guarantee guarantee(const FileSinkConfig&) {
  return {true, "the position is committed by the same rename of the manifest as the rows, and a finished file never changes"};
}

constexpr std::string_view kExample = R"(
path: out/${meta.table}/
format: json
compression: none
rotate: {size: 128MiB, after: 5m}
)";

}  // namespace

}  // namespace sinks

void register_file_sink(Registry& registry);
void register_file_sink(Registry& registry) {
  registry.add(SinkType<sinks::FileSinkConfig>{
      {"file", "Lines of JSON or CSV in files, exactly once.", sinks::kExample, &sinks::fields()}, sinks::build, sinks::guarantee});
}

}  // namespace sluice
