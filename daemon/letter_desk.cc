// The stores of a data directory, while no daemon holds them.
#include "daemon/letter_desk.h"

#include <algorithm>
#include <filesystem>

#include "daemon/dead_letter_options.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

class OfflineDesk final : public LetterDesk {
 public:
  explicit OfflineDesk(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  Result<std::vector<std::string>> pipelines() override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(data_dir_, error), end; !error && it != end; it.increment(error)) {
      std::string name = it->path().filename().string();
      std::error_code ignored;
      if (fs::exists(store_path(data_dir_, name), ignored)) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<std::vector<dlq::StoredLetter>> list(const std::string& pipeline, const dlq::LetterFilter& filter) override {
    return service(pipeline).list(filter);
  }
  Result<std::vector<dlq::LetterTotal>> totals(const std::string& pipeline, const dlq::LetterFilter& filter, dlq::LetterGroup by) override {
    return service(pipeline).totals(filter, by);
  }
  Result<std::vector<dlq::StoredLetter>> show(const std::string& pipeline, std::int64_t id) override { return service(pipeline).show(id); }
  Result<dlq::DiscardResult> discard(const std::string& pipeline, const dlq::LetterFilter& filter) override {
    return service(pipeline).discard(filter);
  }

 private:
  dlq::DeadLetterService service(const std::string& pipeline) const { return dlq::DeadLetterService(store_path(data_dir_, pipeline)); }

  const std::string data_dir_;
};

}  // namespace

std::unique_ptr<LetterDesk> make_offline_desk(std::string data_dir) { return std::make_unique<OfflineDesk>(std::move(data_dir)); }

}  // namespace sluice::daemon
