// Records to an HTTP server, in order, at least once (G25).
//
//   write   encode; a full batch is sent and answered before the next record is looked at
//   flush   the rest is sent                       == every verdict is known ==
//   commit  nothing: the keeper holds the position
//
// One request at a time, so the order of records is the order of requests.  What a status means:
//
//   2xx                                     the whole batch is taken
//   400, 409, 411, 414, 415, 422 ...        a verdict on records: the batch is halved until the bad record stands alone, which becomes a
//                                           dead letter `http_rejected`
//   413                                     the same; it means the size
//   401, 403, 404, 405, 407, 410, 3xx ...   the whole endpoint's trouble: nothing is lost, tried again with back-off.  404 and 410 are a
//                                           verdict where the url has a part of the record in it
//   408, 425, 429, 5xx, no answer           tried again, after Retry-After where it is given
//
// After a failure the lane writes again what is not committed.  What was answered 2xx in this process meanwhile is remembered
// (accepted_) and not sent twice; after a crash it is.

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "core/registry.h"
#include "expr/expression.h"
#include "formats/record_id.h"
#include "net/digest.h"
#include "net/gzip.h"
#include "net/http_auth.h"
#include "net/http_metrics.h"
#include "sinks/http/config.h"

namespace sluice {

namespace sinks {

namespace {

enum class Verdict : std::uint8_t { kTaken, kRefused, kEndpoint };

Verdict verdict_on(int status, bool target_of_record) {
  if (status >= 200 && status < 300) return Verdict::kTaken;
  if (status < 400 || status >= 500) return Verdict::kEndpoint;
  switch (status) {
    case 401:
    case 402:
    case 403:
    case 405:
    case 407:
    case 408:
    case 421:
    case 425:
    case 426:
    case 429:
    case 451: return Verdict::kEndpoint;
    case 404:
    case 410: return target_of_record ? Verdict::kRefused : Verdict::kEndpoint;
    default: return Verdict::kRefused;
  }
}

struct HeaderTemplate {
  std::string name;
  std::unique_ptr<expr::Template> value;
};

struct Parts {
  std::unique_ptr<expr::Template> url;
  std::vector<HeaderTemplate> headers;
};

class HttpSink final : public Sink {
 public:
  HttpSink(const HttpSinkConfig& config, const BuildContext& context, Parts parts)
      : config_(config),
        clock_(context.clock),
        faults_(context.faults),
        counters_(context.metrics, {200, 201, 202, 204, 400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504}),
        parts_(std::move(parts)),
        encoder_(make_encoder(config.format)),
        client_(client_options(config)),
        authorizer_(config.auth, client_options(config)) {}

  Result<std::optional<Checkpoint>> open(std::stop_token) override {
    forget_batch();
    client_.disconnect();
    return std::optional<Checkpoint>();
  }

  Status write(const BatchView& view, Rejects& rejects, std::stop_token stop) override {
    std::vector<bool>* accepted = accepted_of(*view.batch);
    for (const std::uint32_t index : view.selected) {
      if (accepted != nullptr && (*accepted)[index]) continue;
      SLUICE_TRY(add(view, index, rejects, stop));
    }
    return {};
  }

  Status flush(Rejects& rejects, std::stop_token stop) override { return send_batch(rejects, stop); }

  Status commit(const CommitRequest&, std::stop_token) override {
    accepted_.clear();
    return {};
  }

  Status close(Closing) override {
    forget_batch();
    client_.disconnect();
    return {};
  }

 private:
  // A record that waits to be sent; its text ends at `end` of texts_ and begins where the one before it ends.
  struct Item {
    std::shared_ptr<const Batch> batch;
    std::uint32_t index = 0;
    std::size_t end = 0;
  };
  struct Accepted {
    std::shared_ptr<const Batch> batch;  // keeps the address from being given to another batch
    std::vector<bool> records;
  };
  // Where a request goes and with what; all records of a batch have it in common.
  struct Envelope {
    std::string url, headers;  // headers: values, each with a line feed behind it
    bool operator==(const Envelope&) const = default;
  };

  static net::ClientOptions client_options(const HttpSinkConfig& config) {
    net::ClientOptions options;
    options.tls = config.tls.files();
    options.timeout = config.timeout;
    options.link_local = config.allow_link_local ? net::LinkLocal::kAllow : net::LinkLocal::kRefuse;
    options.max_answer = 64UL * 1024;  // only its beginning is of use
    options.overlong = net::Overlong::kCut;
    return options;
  }

  Status add(const BatchView& view, std::uint32_t index, Rejects& rejects, const std::stop_token& stop);
  Status render(const Batch& batch, const Record& record, Envelope& out);
  Status send_batch(Rejects& rejects, const std::stop_token& stop);
  Status send_range(std::size_t first, std::size_t last, Rejects& rejects, const std::stop_token& stop);
  Result<net::ClientAnswer> exchange(const net::Url& url, std::size_t first, std::size_t last, const std::stop_token& stop);
  Result<net::ClientRequest> make_request(std::size_t first, std::size_t last, const std::stop_token& stop);
  std::string body_of(std::size_t first, std::size_t last) const;
  std::string id_of(std::size_t first, std::size_t last);
  void note_accepted(std::size_t first, std::size_t last);
  std::vector<bool>* accepted_of(const Batch& batch);

  std::size_t begin_of(std::size_t item) const { return item == 0 ? 0 : items_[item - 1].end; }
  void forget_batch() {
    items_.clear();
    texts_.clear();
    header_.clear();
  }

  const HttpSinkConfig config_;
  Clock& clock_;
  FaultPoints& faults_;
  const net::HttpRequestCounters counters_;
  Parts parts_;
  std::unique_ptr<Encoder> encoder_;
  net::HttpClient client_;
  net::Authorizer authorizer_;

  std::vector<Item> items_;
  std::string texts_;   // of items_, without line feeds
  std::string header_;  // what the format puts before the first record
  std::string packed_, body_;
  Envelope envelope_;
  TextBuffer id_;
  std::unordered_map<const Batch*, Accepted> accepted_;  // since the last commit
};

// ---- batches ------------------------------------------------------------------------------------------------------------------------

Status HttpSink::render(const Batch& batch, const Record& record, Envelope& out) {
  SLUICE_TRY(parts_.url->render(batch, record, out.url));
  for (const HeaderTemplate& header : parts_.headers) {
    const std::size_t begin = out.headers.size();
    SLUICE_TRY(header.value->render(batch, record, out.headers));
    while (out.headers.size() > begin && out.headers.ends_with('\n')) out.headers.pop_back();  // a secret's file ends so
    const std::string_view value = std::string_view(out.headers).substr(begin);
    const bool clean =
        std::all_of(value.begin(), value.end(), [](char c) { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t'; });
    if (!clean) return Error(ErrorKind::kBadRecord, "bad_header", "the value of the header " + header.name + " holds control characters");
    out.headers += '\n';
  }
  const auto url = net::parse_url(out.url);
  if (!url) return url.error();
  if (!parts_.url->is_constant() && net::has_dot_segments(url->target)) {
    return Error(ErrorKind::kBadRecord, "bad_url", "a value of the record makes a path with . or .. of the url");
  }
  return {};
}

Status HttpSink::add(const BatchView& view, std::uint32_t index, Rejects& rejects, const std::stop_token& stop) {
  const Record& record = view.batch->records()[index];
  Envelope envelope;
  std::string text;
  Status made = render(*view.batch, record, envelope);
  if (made) made = encoder_->encode(*view.batch, record, text);
  if (!made) {
    if (made.error().kind() != ErrorKind::kBadRecord) return made;
    rejects.add(view, index, std::move(made).error());
    return {};
  }
  if (text.ends_with('\n')) text.pop_back();
  const bool full = items_.size() >= config_.batch.records || texts_.size() + text.size() + items_.size() > config_.batch.bytes.bytes;
  if (!items_.empty() && (full || envelope != envelope_)) SLUICE_TRY(send_batch(rejects, stop));
  if (items_.empty()) {
    envelope_ = std::move(envelope);
    encoder_->header(*record.schema, header_);
  }
  texts_ += text;
  items_.push_back({view.batch, index, texts_.size()});
  if (items_.size() >= config_.batch.records) SLUICE_TRY(send_batch(rejects, stop));
  return {};
}

Status HttpSink::send_batch(Rejects& rejects, const std::stop_token& stop) {
  if (items_.empty()) return {};
  SLUICE_TRY(send_range(0, items_.size(), rejects, stop));
  forget_batch();
  return {};
}

// Halves what is refused, so that a bad record among n costs about 2 log2 n requests, and keeps the order.
Status HttpSink::send_range(std::size_t first, std::size_t last, Rejects& rejects, const std::stop_token& stop) {
  const net::Url url = SLUICE_TRY(net::parse_url(envelope_.url));
  faults_.reach("http_sink.before_request");
  const net::ClientAnswer answer = SLUICE_TRY(exchange(url, first, last, stop));
  faults_.reach("http_sink.after_request");
  switch (verdict_on(answer.status, !parts_.url->is_constant())) {
    case Verdict::kTaken: note_accepted(first, last); return {};
    case Verdict::kEndpoint: return net::status_error(answer, url, clock_.utc_microseconds());
    case Verdict::kRefused: break;
  }
  if (last - first > 1) {
    const std::size_t middle = first + (last - first) / 2;
    SLUICE_TRY(send_range(first, middle, rejects, stop));
    return send_range(middle, last, rejects, stop);
  }
  const std::string said = net::excerpt(answer.body);
  rejects.add({items_[first].batch, {}}, items_[first].index,
              Error(ErrorKind::kBadRecord, "http_rejected",
                    "the server answers " + std::to_string(answer.status) + " " + std::string(net::reason_phrase(answer.status)) +
                        (said.empty() ? "" : ": " + said)));
  return {};
}

void HttpSink::note_accepted(std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    Accepted& entry = accepted_[items_[i].batch.get()];
    if (!entry.batch) {
      entry.batch = items_[i].batch;
      entry.records.resize(entry.batch->size());
    }
    entry.records[items_[i].index] = true;
  }
}

std::vector<bool>* HttpSink::accepted_of(const Batch& batch) {
  const auto found = accepted_.find(&batch);
  return found == accepted_.end() ? nullptr : &found->second.records;
}

// ---- requests -----------------------------------------------------------------------------------------------------------------------

std::string HttpSink::body_of(std::size_t first, std::size_t last) const {
  const bool array = config_.body == HttpBody::kArray;
  const bool alone = config_.batch.records == 1 && !array;
  std::string body = array ? "[" : header_;
  for (std::size_t i = first; i < last; ++i) {
    if (array && i != first) body += ',';
    body += std::string_view(texts_).substr(begin_of(i), items_[i].end - begin_of(i));
    if (!array && !alone) body += '\n';
  }
  if (array) body += ']';
  return body;
}

// G25: the same records have the same id whenever they are sent again.
std::string HttpSink::id_of(std::size_t first, std::size_t last) {
  id_.clear();
  for (std::size_t i = first; i < last; ++i) {
    if (i != first) id_.append('\n');
    write_record_id(*items_[i].batch, items_[i].batch->records()[items_[i].index], id_);
  }
  return last - first == 1 ? net::header_safe(id_.view()) : net::sha256_hex(id_.view());
}

Result<net::ClientRequest> HttpSink::make_request(std::size_t first, std::size_t last, const std::stop_token& stop) {
  net::ClientRequest request;
  request.method = ConfigType<HttpMethod>::show(config_.method);
  const bool json = encoder_->content_type() == "application/x-ndjson";
  const bool whole = json && (config_.body == HttpBody::kArray || config_.batch.records == 1);
  request.headers.add("Content-Type", whole ? "application/json" : std::string(encoder_->content_type()));
  request.headers.add("User-Agent", "sluice");
  if (!config_.id_header.empty()) request.headers.add(config_.id_header, id_of(first, last));
  if (auto authorization = SLUICE_TRY(authorizer_.header(stop)); !authorization.empty()) {
    request.headers.add("Authorization", std::move(authorization));
  }
  std::string_view values = envelope_.headers;
  for (const HeaderTemplate& header : parts_.headers) {
    request.headers.set(header.name, std::string(values.substr(0, values.find('\n'))));
    values.remove_prefix(values.find('\n') + 1);
  }
  body_ = body_of(first, last);
  if (config_.compression == HttpCompression::kGzip) {
    packed_.clear();
    SLUICE_TRY(net::gzip(body_, packed_));
    request.headers.add("Content-Encoding", "gzip");
  }
  request.body = config_.compression == HttpCompression::kGzip ? packed_ : body_;
  return request;
}

Result<net::ClientAnswer> HttpSink::exchange(const net::Url& url, std::size_t first, std::size_t last, const std::stop_token& stop) {
  for (bool again = false;; again = true) {
    const net::ClientRequest request = SLUICE_TRY(make_request(first, last, stop));
    auto answer = client_.send(url, request, stop);
    counters_.count(answer ? answer->status : 0);
    if (!answer) return answer;
    if (answer->status != 401 || again || !authorizer_.refused()) return answer;
  }
}

Result<std::unique_ptr<Sink>> build(const HttpSinkConfig& config, const BuildContext& context) {
  Parts parts;
  parts.url = SLUICE_TRY(expr::Template::compile(config.url, expr::Template::Encoding::kUrl));
  for (const auto& [name, text] : config.headers) {
    parts.headers.push_back({name, SLUICE_TRY(expr::Template::compile(text, expr::Template::Encoding::kNone))});
  }
  return std::unique_ptr<Sink>(std::make_unique<HttpSink>(config, context, std::move(parts)));
}

Guarantee guarantee(const HttpSinkConfig&) {
  return {false, "a server may have taken a request whose answer was lost; each record carries a stable id to tell repetitions by"};
}

constexpr std::string_view kExample = R"(
url: https://api.example.com/orders
method: POST
format: json
batch: {records: 200, bytes: 512KiB}
headers: {X-Source: sluice}
auth: {bearer: secret-token}
timeout: 10s
)";

}  // namespace

}  // namespace sinks

void register_http_sink(Registry& registry);
void register_http_sink(Registry& registry) {
  registry.add(SinkType<sinks::HttpSinkConfig>{
      {"http", "Batches of records to an HTTP server, at least once.", sinks::kExample, &sinks::http_sink_fields()},
      sinks::build,
      sinks::guarantee});
}

}  // namespace sluice
