// Servers that only answer, for comparison: http_bare httplib|net THREADS; prints the port.  Ends with its input.

#include <httplib.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <thread>

#include "net/http_server.h"

namespace {

constexpr const char* kAnswer = "{\"accepted\": 1, \"dead_lettered\": 0}\n";

void wait_for_end() {
  std::string line;
  while (std::getline(std::cin, line)) {
  }
}

int serve_httplib(std::size_t threads) {
  httplib::Server server;
  server.new_task_queue = [threads] { return new httplib::ThreadPool(threads); };  // NOLINT: the library takes it
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(60);
  server.set_tcp_nodelay(true);
  server.Post("/events", [](const httplib::Request&, httplib::Response& response) { response.set_content(kAnswer, "application/json"); });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::printf("%d\n", port);
  std::fflush(stdout);
  std::jthread stopper([&] {
    wait_for_end();
    server.stop();
  });
  server.listen_after_bind();
  return 0;
}

int serve_net() {
  sluice::net::HttpServer* self = nullptr;
  sluice::net::HttpServer::Options options;
  options.address = {"127.0.0.1", 0, true};
  options.refusal = [](const sluice::net::MessageFault& fault) { return sluice::net::ServerAnswer{fault.status}; };
  sluice::net::HttpServer::Handlers handlers;
  handlers.admit = [](const sluice::net::RequestHead&) { return std::nullopt; };
  handlers.handle = [&](sluice::net::ServerRequest request) { self->answer({{request.ticket, {200, kAnswer}}}); };
  auto server = sluice::net::HttpServer::start(std::move(options), std::move(handlers));
  if (!server) return 1;
  self = server->get();
  std::printf("%d\n", self->port());
  std::fflush(stdout);
  wait_for_end();
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return std::fputs("http_bare httplib|net THREADS\n", stderr), 64;
  return std::string(arguments[1]) == "net" ? serve_net() : serve_httplib(static_cast<std::size_t>(std::atoi(arguments[2])));
}
