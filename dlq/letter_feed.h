#pragma once
// The letters in the order in which they came, for `copy_to`: with a durable cursor in the store.  A connection of its own; one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dlq/stored_letters.h"

namespace sluice::dlq {

class LetterFeed {
 public:
  static Result<std::unique_ptr<LetterFeed>> open(const std::string& path);
  ~LetterFeed();

  // The oldest letters that were not copied, with their content; at most `limit`.
  Result<std::vector<StoredLetter>> next(std::size_t limit);
  // Everything through letter `id` is where it should be.
  Status copied(std::int64_t id);

 private:
  explicit LetterFeed(std::unique_ptr<storage::SqliteDatabase> database);
  std::unique_ptr<storage::SqliteDatabase> database_;
};

}  // namespace sluice::dlq
