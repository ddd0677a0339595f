#pragma once
// The error model: values, not exceptions.  Any thread; standard library only.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sluice {

// What the pipeline must do about an error.  The runner switches on it and on nothing else.
enum class ErrorKind : std::uint8_t {
  kInvalidConfig,  // refuse to start; exit code 2; never retried
  kBadRecord,      // the input is wrong: dead-letter the record, go on
  kTransient,      // the outside world is unwell: back off and retry
  kCommitUnknown,  // a commit may or may not have happened: ask Sink::open()
  kFatal,          // this pipeline cannot go on; others may
  kCancelled,      // stop was requested; not a failure
};

class [[nodiscard]] Error {
 public:
  // `code` is one of the documented, stable codes and must have static storage ("position_lost").
  Error(ErrorKind kind, std::string_view code, std::string message) : kind_(kind), code_(code), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  std::string_view code() const { return code_; }
  const std::string& message() const { return message_; }

  // How long the other side asked us to wait (HTTP Retry-After); nullopt: the runner's back-off decides.
  std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }

  Error retry_after(std::chrono::milliseconds wait) && {
    retry_after_ = wait;
    return std::move(*this);
  }

  // Prefixes the message with what was being attempted: "open slot: ...".
  Error context(std::string_view doing) && {
    message_.insert(0, std::string(doing) + ": ");
    return std::move(*this);
  }

 private:
  ErrorKind kind_;
  std::string_view code_;
  std::string message_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

// A value or an Error.  A subset of std::expected<T, Error> (absent from GCC 12's C++20 mode), same member names.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  void value() const {}
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace sluice

#define SLUICE_CONCAT_INNER(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_INNER(a, b)
#define SLUICE_TRY_NAMED(name, expression)     \
  __extension__({                              \
    auto name = (expression);                  \
    if (!name) return std::move(name).error(); \
    std::move(name).value();                   \
  })

// Unwraps a Result or returns its error from the enclosing function:
//   Batch batch = SLUICE_TRY(source.read(stop));
// The only macro in the project.  Do not nest it in one expression: GCC and clang differ in how they destroy temporaries then.
#define SLUICE_TRY(expression) SLUICE_TRY_NAMED(SLUICE_CONCAT(sluice_result_, __COUNTER__), expression)
