#pragma once
// Dead letters as JSON, as `sluice dlq` and the API show them.  Any thread.

#include <string>

#include "dlq/stored_letters.h"

namespace sluice::dlq {

// One object without a line feed, as `dlq list --json` shows it (`dlq show` where the content was asked for).  This is the one place where
// contents leave the store as text, and so where the pipeline's masks belong.
void append_letter_json(const StoredLetter& letter, std::string& out);

// {"stage"?,"code"?,"count","pending","open","replaying","replayed","discarded","first_seen","last_seen"}
void append_total_json(const LetterTotal& total, std::string& out);

}  // namespace sluice::dlq
