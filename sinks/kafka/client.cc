#include <algorithm>
#include <array>
#include <chrono>

#include "sinks/kafka/broker_errors.h"
#include "sinks/kafka/client_internal.h"

namespace sluice::sinks {

namespace {

constexpr std::chrono::seconds kLogInterval{30};
constexpr int kSyslogWarning = 4;  // syslog(3): smaller is worse

}  // namespace

Result<ClientHandle> make_client(rd_kafka_type_t type, const ClientSettings& settings, int events) {
  ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> why{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK) continue;
    return Error(ErrorKind::kInvalidConfig, "bad_value",
                 is_secret_property(name) ? "the value of " + name + " is refused" : std::string(why.data()));
  }
  rd_kafka_conf_set_events(conf.get(), events);
  ClientHandle client(rd_kafka_new(type, conf.get(), why.data(), why.size()));
  if (!client) return Error(ErrorKind::kInvalidConfig, "bad_value", std::string("librdkafka refuses the settings: ") + why.data());
  static_cast<void>(conf.release());              // the client's now
  rd_kafka_set_log_queue(client.get(), nullptr);  // nullptr: the queue of all other events
  return client;
}

Error LastError::explain(rd_kafka_resp_err_t code, std::string_view detail, std::string_view topic) const {
  const bool unclear = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
                       code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  const std::lock_guard lock(mutex_);
  if (!unclear || code_ == RD_KAFKA_RESP_ERR_NO_ERROR) return broker_error(code, detail, topic);
  return broker_error(code_, text_);
}

void ClientLog::pass(const rd_kafka_event_t* event) {
  const char *facility = nullptr, *text = nullptr;
  int level = 0;
  // The signature takes a mutable event although nothing changes.
  if (rd_kafka_event_log(const_cast<rd_kafka_event_t*>(event), &facility, &text, &level) != 0 || level > kSyslogWarning) return;
  const std::string_view name(facility);
  if (name == "CONFWARN") return;  // settings of the other kind of client: both get the user's
  if (name == "GETPID") return;    // the coordinator is not ready yet; init_transactions() tells when that does not end
  const auto now = std::chrono::steady_clock::now();
  const auto found = std::find_if(last_.begin(), last_.end(), [&](const auto& entry) { return entry.first == name; });
  if (found != last_.end() && now - found->second < kLogInterval) return;
  if (found != last_.end()) {
    found->second = now;
  } else {
    last_.emplace_back(name, now);
  }
  log_.warning("kafka client", {{"facility", name}, {"text", text}});
}

}  // namespace sluice::sinks
