#pragma once
// Refused passwords.  A password is changed in two places, one after the other, so a refusal is retried every second for a minute, with
// the secret read anew by each connection (ConnectionUrl::current); after that it is retried at the runner's pace and the message says
// that it does not look like a rotation any more.  It never becomes fatal: the position waits for whoever mends it.  One thread.

#include <chrono>
#include <optional>

#include "core/result.h"

namespace sluice::sources::postgres {

class AuthRefusals {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kRotation{60};
  static constexpr std::chrono::milliseconds kPause{1000};

  // Gives the error as it should be reported; errors other than auth_failed as they are.
  Error judge(Error error, Moment now) {
    if (error.code() != "auth_failed" && error.code() != "secret_unreadable") return forget(), error;
    if (!since_) since_ = now;
    if (now - *since_ < kRotation) return std::move(error).retry_after(kPause);
    return {error.kind(), error.code(),
            error.message() +
                "; refused for more than a minute: set the password in the server or in the secret that `url` names; it is read "
                "again for every try, nothing is lost meanwhile"};
  }
  // A session was opened.
  void forget() { since_.reset(); }

 private:
  std::optional<Moment> since_;
};

}  // namespace sluice::sources::postgres
