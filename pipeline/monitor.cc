#include "pipeline/monitor.h"

namespace sluice::pipeline {

namespace {

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidConfig: return "invalid_config";
    case ErrorKind::kBadRecord: return "bad_record";
    case ErrorKind::kTransient: return "transient";
    case ErrorKind::kCommitUnknown: return "commit_unknown";
    case ErrorKind::kFatal: return "fatal";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return "";
}

}  // namespace

Monitor::Monitor(std::string pipeline, Metrics& metrics, Logger& log, Clock& clock)
    : pipeline_(std::move(pipeline)), metrics_(metrics), log_(log), clock_(clock) {
  for (const ErrorKind kind : {ErrorKind::kBadRecord, ErrorKind::kTransient, ErrorKind::kCommitUnknown, ErrorKind::kFatal}) errors_of(kind);
  progressed();
}

Counter& Monitor::errors_of(ErrorKind kind) {
  return metrics_.counter("sluice_errors_total", "Errors by what the runner did about them.",
                          {{"pipeline", pipeline_}, {"kind", std::string(kind_name(kind))}});
}

void Monitor::report(const std::string& who, const Error& error) {
  if (error.kind() == ErrorKind::kCancelled) return;
  errors_of(error.kind()).add();
  const std::lock_guard lock(mutex_);
  auto now = std::pair(std::string(error.code()), error.message());
  auto& before = failing_[who];
  const bool repeated = before == now;
  before = std::move(now);
  last_error_ = LastError{error.kind(), std::string(error.code()), error.message(), clock_.utc_microseconds()};
  if (repeated) return;
  const bool is_end = error.kind() == ErrorKind::kFatal || error.kind() == ErrorKind::kInvalidConfig;
  log_.log(is_end ? LogLevel::kError : LogLevel::kWarning, error.message(),
           {{"pipeline", pipeline_}, {"component", who}, {"kind", kind_name(error.kind())}, {"code", error.code()}});
}

void Monitor::recovered(const std::string& who) {
  const std::lock_guard lock(mutex_);
  failing_.erase(who);
}

void Monitor::fail(const std::string& who, const Error& error) {
  report(who, error);
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = error;
}

std::optional<Error> Monitor::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::optional<LastError> Monitor::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

}  // namespace sluice::pipeline
