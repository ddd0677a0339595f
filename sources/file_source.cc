// `file`: lines of files, read once or followed as they grow.
//
// Ordinal: major = byte offset of the record in the (decompressed) file, minor = 0.  Partition: one per file and content, see
// file_identity.h.  A file that was truncated, rewritten, or whose inode number was reused has other content at the old place and
// so becomes a new partition, read from its beginning; what was cut off unread is lost to us as to every reader.
//
// Rotation: a renamed file is followed by its open descriptor; once no pattern matches it, it has not grown for kGoneGrace and all of
// it has been read, its partition is retired (G4), its unfinished last line included as a record.

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/registry.h"
#include "formats/csv_header.h"
#include "sources/file_discovery.h"
#include "sources/file_disposal.h"
#include "sources/file_tail.h"

namespace sluice {

namespace sources {

namespace {

using namespace std::chrono_literals;

enum class Mode : std::uint8_t { kFollow, kOnce };
enum class Start : std::uint8_t { kEarliest, kLatest };

constexpr auto kScanEvery = 1s;        // for new and renamed files
constexpr auto kPollEvery = 20ms;      // for growth; one fstat per file
constexpr auto kGoneGrace = 5s;        // a writer may go on for a while in a file that was renamed or removed
constexpr std::size_t kMaxOpen = 256;  // files: well below the usual limit of 1024 descriptors

struct FileSourceConfig {
  std::vector<std::string> paths;
  InputCodecConfig format;
  Mode mode = Mode::kFollow;
  Start start = Start::kEarliest;
  Compression compression = Compression::kAuto;
  ByteSize max_record{1024 * 1024};
  WhenDone when_done;
};

}  // namespace

}  // namespace sources

template <>
struct EnumNames<sources::Mode> {
  static constexpr std::array kNames = {std::pair{std::string_view{"follow"}, sources::Mode::kFollow},
                                        std::pair{std::string_view{"once"}, sources::Mode::kOnce}};
};
template <>
struct EnumNames<sources::Start> {
  static constexpr std::array kNames = {std::pair{std::string_view{"earliest"}, sources::Start::kEarliest},
                                        std::pair{std::string_view{"latest"}, sources::Start::kLatest}};
};
template <>
struct EnumNames<sources::Compression> {
  static constexpr std::array kNames = {
      std::pair{std::string_view{"auto"}, sources::Compression::kAuto}, std::pair{std::string_view{"none"}, sources::Compression::kNone},
      std::pair{std::string_view{"gzip"}, sources::Compression::kGzip}, std::pair{std::string_view{"zstd"}, sources::Compression::kZstd}};
};
template <>
struct ConfigType<sources::WhenDone> {
  using Action = sources::WhenDone::Action;
  static bool bind(const ConfigNode& node, sources::WhenDone& out, BindContext& context) {
    if (node.is_mapping() && node.entries.size() == 1 && node.entries[0].first.text == "move") {
      out.action = Action::kMove;
      return ConfigType<std::string>::bind(node.entries[0].second, out.directory, context);
    }
    std::size_t index = 0;
    if (!node.is_scalar()) return wrong_type(node, "keep, delete or {move: DIRECTORY}", context), false;
    if (!bind_enum(node, {"keep", "delete"}, index, context)) return false;
    out = {index == 0 ? Action::kKeep : Action::kDelete, {}};
    return true;
  }
  static std::string type_name() { return "keep | delete | {move: DIRECTORY}"; }
  static std::string show(const sources::WhenDone& value) {
    if (value.action == Action::kMove) return "{move: " + value.directory + "}";
    return value.action == Action::kKeep ? "keep" : "delete";
  }
};

namespace sources {

namespace {

void check_config(const FileSourceConfig& config, const ConfigNode& node, BindContext& context) {
  const auto place = [&](std::string_view key) -> const ConfigNode& {
    const ConfigNode* found = node.find(key);
    return found == nullptr ? node : *found;
  };
  if (config.paths.empty()) context.findings.error(place("paths"), "bad_value", "paths names no file");
  if (config.mode == Mode::kFollow && config.when_done.action != WhenDone::Action::kKeep) {
    context.findings.error(place("when_done"), "conflict", "a followed file is never done", "mode: once");
  }
  if (config.mode == Mode::kOnce && config.start == Start::kLatest) {
    context.findings.error(place("start"), "conflict", "with mode: once, start: latest would read nothing");
  }
  constexpr std::uint64_t kMaxRecord = 1024ULL * 1024 * 1024;  // a record must fit into memory several times
  if (config.max_record.bytes == 0 || config.max_record.bytes > kMaxRecord) {
    context.findings.error(place("max_record"), "out_of_range", "max_record must be between 1B and 1GiB");
  }
}

const ConfigFields<FileSourceConfig>& config_fields() {
  static const auto kFields =
      ConfigFields<FileSourceConfig>{}
          .required("paths", &FileSourceConfig::paths, "Files to read; * ? [] and {a,b} match as in a shell.")
          .optional("format", &FileSourceConfig::format, "json (one object a line), csv, or lines (one field, `line`).")
          .optional("mode", &FileSourceConfig::mode,
                    "follow: wait for what is appended and for new files; once: read what is there and end.")
          .optional("start", &FileSourceConfig::start,
                    "Where files that are there at the very first start begin; files that come later are read whole.")
          .optional("compression", &FileSourceConfig::compression, "auto: by the first bytes of each file.")
          .optional("max_record", &FileSourceConfig::max_record, "A longer record is rejected.")
          .optional("when_done", &FileSourceConfig::when_done, "What happens to a file once every sink has all of it; with mode: once.")
          .check(check_config);
  return kFields;
}

struct Followed {
  std::unique_ptr<FileTail> tail;
  bool matched = true;    // by a pattern, at the last scan
  bool finished = false;  // mode: once
  std::chrono::steady_clock::time_point last_progress;
};

class FileSource final : public Source {
 public:
  FileSource(FileSourceConfig config, const BuildContext& context)
      : config_(std::move(config)), context_(context), json_(context.schemas), disposal_(config_.when_done, context) {
    settings_.source = context.component;
    settings_.format = config_.format;
    settings_.compression = config_.compression;
    settings_.max_record = config_.max_record.bytes;
  }

  Status open(const Checkpoint& from, std::stop_token) override {
    files_.clear();
    disposal_.clear();
    settings_.names.clear();
    known_.clear();
    pending_.clear();
    acknowledged_ = from;
    first_start_ = true;
    const std::string prefix = settings_.source + '/';
    for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix); ++it) {
      first_start_ = false;
      const std::string partition = it->first.substr(prefix.size());
      const auto id = partition_file(partition);
      if (!id || !is_mine(*id)) continue;
      settings_.names.insert(partition);
      known_[*id].emplace_back(partition, it->second);
    }
    if (config_.start == Start::kLatest) pending_[start_marker()] = Position{{1, 0}, {}, false};
    return scan(true);
  }

  Result<SourceState> read(BatchBuilder& out, std::stop_token stop) override {
    const auto deadline = context_.clock.now() + out.linger();
    while (true) {
      if (config_.mode == Mode::kFollow && context_.clock.now() >= next_scan_) {
        Status scanned = scan(false);
        if (!scanned) return std::move(scanned).error();
      }
      Status filled = fill(out);
      if (!filled) return std::move(filled).error();
      disposal_.dispose(acknowledged_);
      advance(out.through(), pending_);
      // Until it is durable that start: latest was obeyed, a crash would pass over what was written since.
      if (!pending_.empty() && pending_.contains(start_marker())) out.commit_soon();
      pending_.clear();
      if (!out.empty()) return SourceState::kMore;
      if (config_.mode == Mode::kOnce && all_finished()) return out.through().empty() ? SourceState::kFinished : SourceState::kMore;
      const auto now = context_.clock.now();
      if (stop.stop_requested() || now >= deadline) return SourceState::kIdle;
      if (!context_.clock.sleep_for(std::min<std::chrono::nanoseconds>(kPollEvery, deadline - now), stop)) return SourceState::kIdle;
    }
  }

  Status acknowledge(const Checkpoint& done) override {
    acknowledged_ = done;
    return {};
  }

  Status close() override {
    disposal_.dispose(acknowledged_);
    files_.clear();
    return {};
  }

 private:
  bool is_mine(const FileId& id) const { return shard_of(id, context_.shard_count) == context_.shard; }

  // The partition that tells a later start that start: latest was obeyed already, even where nothing was read yet.
  std::string start_marker() const { return checkpoint_key(settings_.source, "started/" + std::to_string(context_.shard)); }

  Status scan(bool opening) {
    next_scan_ = context_.clock.now() + kScanEvery;
    const auto matched = matching_files(config_.paths);
    for (auto& [id, followed] : files_) {
      const auto found = matched.find(id);
      const bool seen = found != matched.end();
      if (seen) followed.tail->set_path(found->second);
      followed.matched = seen || (followed.matched && !is_gone_from(followed.tail->path(), id));
    }
    Status problem;  // the first of them: one file that cannot be read keeps no other from being read
    for (const auto& [id, path] : matched) {
      if (!is_mine(id) || files_.contains(id)) continue;
      Status added = add(id, path, opening && first_start_ && config_.start == Start::kLatest);
      if (problem && !added) problem = std::move(added);
    }
    if (!problem) return problem;
    if (opening && matched.empty()) context_.log.warning("no file matches paths yet", {{"component", context_.component}});
    return opening ? look_for_known() : Status();
  }

  // Positions whose file no pattern matches: it was renamed while we were away, then the rest of it is read, or it is gone.
  // A file system that is not mounted proves nothing: such positions stay.
  Status look_for_known() {
    const auto directories = base_directories(config_.paths);
    std::vector<FileId> gone;
    for (auto& [id, positions] : known_) {
      if (files_.contains(id)) {
        gone.push_back(id);  // older generations of a file that is there
        continue;
      }
      std::string path;
      bool on_device = false;
      for (const std::string& directory : directories) {
        if (!is_on_device(directory, id)) continue;
        on_device = true;
        if (path.empty()) path = find_by_identity(directory, id);
      }
      if (!path.empty()) {
        Status added = add_renamed(id, path);
        if (!added) return added;
      }
      if (on_device) gone.push_back(id);
    }
    for (const FileId& id : gone) {
      retire_known(known_.at(id));
      known_.erase(id);
    }
    return {};
  }

  Status add_renamed(const FileId& id, const std::string& path) {
    Status added = add(id, path, false);
    const auto found = files_.find(id);
    if (!added || found == files_.end()) return added;
    found->second.matched = false;
    if (!found->second.tail->position()) files_.erase(found);  // its inode was taken by a file that is none of ours
    return {};
  }

  Status add(const FileId& id, const std::string& path, bool from_end) {
    auto tail = std::make_unique<FileTail>(id, path, settings_, make_file_decoder(settings_.format, json_, context_.schemas));
    make_room();
    const auto opened = SLUICE_TRY(tail->open(config_.mode == Mode::kOnce ? LastLine::kIsARecord : LastLine::kWaitForItsEnd));
    if (opened == FileTail::Progress::kGone) return {};  // between the look and the opening; the next scan will tell
    if (opened == FileTail::Progress::kMore) {
      const bool restored = SLUICE_TRY(restore(id, *tail));
      if (!restored && from_end) {
        Status moved = tail->start_at_end();
        if (!moved) return moved;
        if (tail->position()) pending_[tail->checkpoint_key()] = *tail->position();
      }
    }
    files_[id] = Followed{std::move(tail), true, false, context_.clock.now()};
    return {};
  }

  // Goes on where a known position of this file says, if the file still has the content that the position is about.
  Result<bool> restore(const FileId& id, FileTail& tail) {
    const auto known = known_.find(id);
    if (known == known_.end()) return false;
    auto& positions = known->second;
    // The newest generation first: it has read furthest of the content that is there, where several agree.
    std::sort(positions.begin(), positions.end(), [](const auto& a, const auto& b) { return a.second.done > b.second.done; });
    for (auto it = positions.begin(); it != positions.end(); ++it) {
      if (it->second.retired) continue;
      const bool same = SLUICE_TRY(tail.restore(it->first, it->second));
      if (!same) continue;
      positions.erase(it);
      return true;
    }
    if (!positions.empty()) {
      context_.log.warning("a file was truncated or replaced; it is read from its beginning",
                           {{"component", context_.component}, {"path", tail.path()}});
    }
    return false;
  }

  // Their files are gone: nobody will move these positions again (G4).
  void retire_known(const std::vector<std::pair<std::string, Position>>& positions) {
    for (const auto& [partition, position] : positions) retire(checkpoint_key(settings_.source, partition), position);
  }

  void retire(const std::string& key, Position position) {
    position.retired = true;
    pending_[key] = std::move(position);
  }

  Status fill(BatchBuilder& out) {
    std::vector<FileId> order;
    for (const auto& [id, followed] : files_) {
      if (!followed.finished) order.push_back(id);
    }
    const auto first = std::upper_bound(order.begin(), order.end(), last_filled_);
    std::rotate(order.begin(), first, order.end());  // no file starves behind a busy one
    for (const FileId& id : order) {
      if (out.full()) break;
      last_filled_ = id;
      Status filled = fill_from(id, out);
      if (!filled) return filled;
    }
    return {};
  }

  Status fill_from(const FileId& id, BatchBuilder& out) {
    Followed& followed = files_.at(id);
    FileTail& tail = *followed.tail;
    if (!tail.is_open()) make_room();
    const std::size_t before = out.batch().counts().in;
    const bool over = config_.mode == Mode::kOnce || is_over(followed);
    const auto progress = SLUICE_TRY(tail.fill(out, over ? LastLine::kIsARecord : LastLine::kWaitForItsEnd));
    if (out.batch().counts().in != before) followed.last_progress = context_.clock.now();
    switch (progress) {
      case FileTail::Progress::kMore: return {};
      case FileTail::Progress::kReplaced: return begin_anew(id);
      case FileTail::Progress::kGone:
        if (config_.mode == Mode::kFollow && followed.matched) return {};  // the next scan will tell its new name
        if (!found_again(followed)) forget(id);
        return {};
      case FileTail::Progress::kAtEnd: break;
    }
    if (config_.mode == Mode::kOnce) finish(followed);
    if (config_.mode == Mode::kFollow && over) forget(id);
    return {};
  }

  // A file whose descriptor was closed for the sake of others (make_room) and that was renamed then: the rest of it is read under its
  // new name.
  static bool found_again(Followed& followed) {
    FileTail& tail = *followed.tail;
    const std::string path = find_by_identity(directory_of(tail.path()), tail.id());
    if (path.empty()) return false;
    tail.set_path(path);
    followed.matched = false;
    return true;
  }

  // Nobody is expected to write to it any more.
  bool is_over(const Followed& followed) const { return !followed.matched && context_.clock.now() - followed.last_progress >= kGoneGrace; }

  void forget(const FileId& id) {
    const FileTail& tail = *files_.at(id).tail;
    if (tail.position()) retire(tail.checkpoint_key(), *tail.position());
    files_.erase(id);
  }

  // Copytruncate: the same inode with other content is a new partition (G2).
  Status begin_anew(const FileId& id) {
    const std::string path = files_.at(id).tail->path();
    const bool matched = files_.at(id).matched;
    context_.log.warning("a file was truncated or replaced; it is read from its beginning",
                         {{"component", context_.component}, {"path", path}});
    forget(id);
    return matched ? add(id, path, false) : Status();
  }

  void finish(Followed& followed) {
    followed.finished = true;
    const FileTail& tail = *followed.tail;
    // What has not been read stays, whatever `when_done` says.
    if (!tail.is_truncated()) {
      disposal_.add({tail.id(), tail.path(), tail.position() ? tail.checkpoint_key() : "", tail.position().value_or(Position{})});
    }
    followed.tail->close();
  }

  bool all_finished() const {
    return std::all_of(files_.begin(), files_.end(), [](const auto& entry) { return entry.second.finished; });
  }

  // Closes the file that has been quiet the longest when too many are open.
  void make_room() {
    std::size_t open = 0;
    Followed* quietest = nullptr;
    for (auto& [id, followed] : files_) {
      if (!followed.tail->is_open()) continue;
      ++open;
      const bool quieter = quietest == nullptr || followed.last_progress < quietest->last_progress;
      if (followed.matched && quieter) quietest = &followed;  // one that no pattern matches could not be opened again
    }
    if (open >= kMaxOpen && quietest != nullptr) quietest->tail->close();
  }

  const FileSourceConfig config_;
  const BuildContext context_;
  JsonReader json_;
  TailSettings settings_;
  std::map<FileId, Followed> files_;
  std::map<FileId, std::vector<std::pair<std::string, Position>>> known_;  // positions of the checkpoint not yet matched with a file
  FileDisposal disposal_;
  Checkpoint pending_;  // for the next batch's through(), beside what its records say
  Checkpoint acknowledged_;
  FileId last_filled_;
  std::chrono::steady_clock::time_point next_scan_;
  bool first_start_ = true;
};

// From the headers of the CSV files that are there; one that is to come may have other columns, so nothing is known without a file.
Result<KnownShape> shape(const FileSourceConfig& config, const ShapeContext&) {
  constexpr std::size_t kMaxLookedAt = 20;  // files
  if (config.format.format == Format::kLines) {
    return KnownShape(RecordShape{{{"line", Value::Type::kString, false, false}}, "the format lines"});
  }
  if (config.format.format != Format::kCsv || !config.format.csv.header) return KnownShape();
  KnownShape result;
  std::size_t looked_at = 0;
  for (const auto& [id, path] : matching_files(config.paths)) {
    const auto names = csv_header_of_file(path, config.format.csv);
    if (!names || ++looked_at > kMaxLookedAt) return KnownShape();
    RecordShape one;
    one.origin = "the header of " + path;
    for (const std::string& name : *names) one.fields.push_back({name, Value::Type::kString, true, false});
    result = result ? either(result, one) : KnownShape(std::move(one));
  }
  return result;
}

Result<std::unique_ptr<Source>> build(const FileSourceConfig& config, const BuildContext& context) {
  return std::unique_ptr<Source>(std::make_unique<FileSource>(config, context));
}

Guarantee guarantee(const FileSourceConfig&) {
  return {true, "a file's records are named by the file's identity, its content and their byte offset, which are the same after a restart"};
}

constexpr std::string_view kExample = R"(
paths: [/var/log/shop/*.jsonl]
format: json
mode: follow
)";

}  // namespace

}  // namespace sources

void register_file_source(Registry& registry);
void register_file_source(Registry& registry) {
  SourceType<sources::FileSourceConfig> type;
  type.name = "file";
  type.summary = "Records of files: JSON lines, CSV or plain lines; read once or followed as they grow";
  type.example = sources::kExample;
  type.fields = &sources::config_fields();
  type.build = sources::build;
  type.shape = sources::shape;
  type.guarantee = sources::guarantee;
  type.can_end = [](const sources::FileSourceConfig& config) { return config.mode == sources::Mode::kOnce; };
  type.partitioned = [](const sources::FileSourceConfig&) { return true; };
  type.meta = {"file"};
  registry.add(type);
}

}  // namespace sluice
