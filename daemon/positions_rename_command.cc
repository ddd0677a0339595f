// `sluice positions rename OLD NEW`: positions, dead letters and identity of a pipeline under another name, while no daemon runs.
//
//   1  OLD/identity says renaming_to NEW         from here on OLD does not start
//   2  the dead letters in OLD say NEW           again and again is harmless
//   3  OLD is renamed NEW                        one step of the file system
//   4  NEW/identity no longer says renaming_to   also done by NEW's next start
//
// A crash leaves a state from which the same command goes on.  Sinks, topics and slots are not touched: they go on to know the pipeline by
// the name that its identity holds.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "daemon/command_line.h"
#include "daemon/data_directory.h"
#include "daemon/kill_fault_points.h"
#include "pipeline/checkpoint_store.h"
#include "pipeline/identity.h"
#include "storage/durable_file.h"
#include "storage/sqlite_database.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

Error refused(std::string message) { return {ErrorKind::kFatal, "rename_refused", std::move(message)}; }

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

class Renaming {
 public:
  Renaming(const std::string& data_dir, std::string old_name, std::string new_name, FaultPoints& faults)
      : data_dir_(data_dir), old_name_(std::move(old_name)), new_name_(std::move(new_name)), faults_(faults) {}

  // How the outside knows the pipeline.
  Result<std::string> run() {
    if (!exists(old_path())) return finish_earlier();
    pipeline::Identity identity = SLUICE_TRY(check());
    identity.renaming_to = new_name_;
    SLUICE_TRY(pipeline::write_identity(old_path(), identity, faults_));
    SLUICE_TRY(rename_letters());
    SLUICE_TRY(move());
    identity.renaming_to.clear();
    SLUICE_TRY(pipeline::write_identity(new_path(), identity, faults_));
    return identity.known_as;
  }

 private:
  std::string old_path() const { return data_dir_ + "/" + old_name_; }
  std::string new_path() const { return data_dir_ + "/" + new_name_; }

  // Step 3 was the last one of a run that did not come to its end.
  Result<std::string> finish_earlier() {
    const auto identity = SLUICE_TRY(pipeline::read_identity(new_path()));
    if (!identity || identity->renaming_to != new_name_)
      return refused(fmt::format("\"{}\" knows no pipeline \"{}\"", data_dir_, old_name_));
    SLUICE_TRY(pipeline::write_identity(new_path(), {identity->known_as, identity->sources, {}}, faults_));
    return identity->known_as;
  }

  Result<pipeline::Identity> check() {
    const std::optional<pipeline::Identity> stored = SLUICE_TRY(pipeline::read_identity(old_path()));
    if (stored && !stored->renaming_to.empty() && stored->renaming_to != new_name_)
      return refused(fmt::format("\"{0}\" is being renamed \"{1}\" already: finish that with sluice positions rename {0} {1}", old_name_,
                                 stored->renaming_to));
    if (!stored && !exists(old_path() + "/checkpoint"))
      return refused(fmt::format("\"{}\" has no positions of a pipeline \"{}\"", data_dir_, old_name_));
    SLUICE_TRY(pipeline::CheckpointStore(old_path() + "/checkpoint", faults_).load());  // a damaged one is not passed on in silence
    // What is empty may go; anything else is somebody's.
    std::error_code error;
    if (exists(new_path()) && !fs::remove(new_path(), error))
      return refused(fmt::format("the pipeline \"{}\" has positions, dead letters or a slot of its own", new_name_));
    return stored ? *stored : pipeline::Identity{old_name_, {}, {}};
  }

  // They are found by the pipeline's name: under the old one a replay would make second letters (G18).
  Status rename_letters() {
    const std::string path = old_path() + "/dead_letters.db";
    if (!exists(path)) return {};
    faults_.reach("positions_rename.before_letters");
    auto database = SLUICE_TRY(storage::SqliteDatabase::open(path, {}));
    SLUICE_TRY(database.begin({}));
    std::vector<std::string> tables;
    {
      auto statement =
          SLUICE_TRY(database.prepare("SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c "
                                      "WHERE m.type = 'table' AND c.name = 'pipeline'"));
      while (SLUICE_TRY(statement.step())) tables.emplace_back(statement.column_text(0));
    }
    for (const std::string& table : tables) {
      auto update = SLUICE_TRY(database.prepare("UPDATE " + storage::quote_identifier(table) + " SET pipeline = ?1"));
      update.bind_text(1, new_name_);
      SLUICE_TRY(update.run());
    }
    return database.commit();
  }

  Status move() {
    faults_.reach("positions_rename.before_move");
    if (std::rename(old_path().c_str(), new_path().c_str()) != 0) return storage::errno_error(errno, "rename", old_path());
    SLUICE_TRY(storage::sync_directory(data_dir_));
    faults_.reach("positions_rename.after_move");
    return {};
  }

  const std::string data_dir_, old_name_, new_name_;
  FaultPoints& faults_;
};

Status check_names(const PositionsRenameOptions& options) {
  for (const std::string& name : {options.old_name, options.new_name}) {
    if (!valid_name(name)) return refused(fmt::format("\"{}\" is no name of a pipeline", name));
  }
  for (const std::string_view taken : {"replay", "lock", "instance"}) {
    if (options.new_name == taken) return refused(fmt::format("a pipeline cannot be called \"{}\"", taken));
  }
  if (options.old_name == options.new_name) return refused("the two names are the same");
  return {};
}

}  // namespace

int positions_rename_command(const PositionsRenameOptions& options, Streams streams) {
  const auto fail = [&](const Error& error, int code) {
    streams.err << fmt::format("error[{}]: {}\n", error.code(), error.message());
    return code;
  };
  if (const Status good = check_names(options); !good) return fail(good.error(), kUsage);
  if (!exists(options.data_dir)) {
    streams.err << fmt::format("there is no data directory \"{}\"\n", options.data_dir);
    return kUnusable;
  }
  const char* fault_point = std::getenv("SLUICE_FAULT_POINT");
  const auto faults = make_fault_points(fault_point == nullptr ? "" : fault_point);
  if (!faults) return fail(faults.error(), kUsage);
  const auto data = DataDirectory::open(options.data_dir, **faults);
  if (!data) return fail(data.error(), kUnusable);
  const auto known_as = Renaming(data->path(), options.old_name, options.new_name, **faults).run();
  if (!known_as) return fail(known_as.error(), kFailed);
  streams.out << fmt::format("{} is now {}: its positions and dead letters go on under the new name\n", options.old_name, options.new_name);
  streams.out << fmt::format("sinks and slots go on to know it as \"{}\"; no other pipeline of this data directory may take that name\n",
                             *known_as);
  return kOk;
}

}  // namespace sluice::daemon
