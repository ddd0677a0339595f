#pragma once
// Memory for what an evaluation makes on its way and nobody keeps.  Given back after each use without a heap allocation, so that
// conditions cost none per record.  One thread.

#include "core/arena.h"

namespace sluice::expr {

class Scratch {
 public:
  Arena& arena() {
    if (mark_ == nullptr) mark_ = arena_.allocate(1, 1);
    return arena_;
  }

  // Forgets everything made since the last reset.
  void reset() {
    if (arena_.capacity() <= Arena::kChunkBytes) return arena_.shrink_last(mark_, 1);
    arena_ = Arena();  // it grew beyond its first chunk, which shrink_last() cannot go back to
    mark_ = nullptr;
  }

 private:
  Arena arena_;
  void* mark_ = nullptr;
};

}  // namespace sluice::expr
