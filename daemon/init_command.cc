// `sluice init`: the first pipeline of somebody who has none.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <istream>
#include <memory>
#include <ostream>

#include "core/diagnostic.h"
#include "daemon/guide_commands.h"
#include "daemon/init_text.h"

namespace sluice::daemon {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::string listed(const std::vector<std::string_view>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

// A line from the terminal; nullopt: its end.
std::optional<std::string> ask(Streams streams, std::string_view question, std::string_view otherwise) {
  streams.err << question << " [" << otherwise << "]: " << std::flush;
  std::string line;
  if (!std::getline(streams.in, line)) return std::nullopt;
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
  return line.empty() ? std::string(otherwise) : line;
}

void unknown(ComponentKind kind, std::string_view word, const std::string& name, const Registry& registry, Streams streams) {
  const std::string meant = nearest(name, registry.names(kind));
  streams.err << fmt::format("there is no {} \"{}\"{}; known: {}\n", word, name, meant.empty() ? "" : ", did you mean \"" + meant + "\"?",
                             listed(registry.names(kind)));
}

// Null after a message.
const Component* choose(ComponentKind kind, std::string_view word, const std::string& given, const InitOptions& options,
                        const Registry& registry, Streams streams) {
  if (!given.empty()) {
    const Component* found = registry.find(kind, given);
    if (found == nullptr) unknown(kind, word, given, registry, streams);
    return found;
  }
  const auto names = registry.names(kind);
  if (!options.ask) {
    streams.err << fmt::format("say which {} with --{}: {}\n", word, word, listed(names));
    return nullptr;
  }
  for (;;) {
    const auto answer =
        ask(streams, fmt::format("{} ({})", word == "source" ? "Where do records come from" : "Where do they go", listed(names)),
            names.front());
    if (!answer) return nullptr;
    const Component* found = registry.find(kind, *answer);
    if (found != nullptr) return found;
    unknown(kind, word, *answer, registry, streams);
  }
}

int write_file(const std::string& path, const std::string& text, bool force, Streams streams) {
  // x: never over a file that is there.
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), force ? "we" : "wxe"));
  if (!file) {
    const bool there = errno == EEXIST;
    streams.err << fmt::format("cannot write \"{}\": {}{}\n", path, std::strerror(errno), there ? "; --force writes over it" : "");
    return there ? kUsage : kFailed;
  }
  const bool good = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() && std::fflush(file.get()) == 0;
  if (!good) {
    streams.err << fmt::format("cannot write \"{}\": {}\n", path, std::strerror(errno));
    return kFailed;
  }
  streams.err << fmt::format("wrote {}; next: sluice validate {}\n", path, path);
  return kOk;
}

bool valid_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 100 && word(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '_' || c == '-'; });
}

}  // namespace

int init_command(const InitOptions& options, const Registry& registry, Streams streams) {
  const Component* source = choose(ComponentKind::kSource, "source", options.source, options, registry, streams);
  if (source == nullptr) return kUsage;
  const Component* sink = choose(ComponentKind::kSink, "sink", options.sink, options, registry, streams);
  if (sink == nullptr) return kUsage;
  std::string name = options.name;
  const std::string otherwise = fmt::format("{}_to_{}", source->name, sink->name);
  if (name.empty()) {
    const auto answer = options.ask ? ask(streams, "What is the pipeline called", otherwise) : otherwise;
    if (!answer) return kUsage;
    name = *answer;
  }
  if (!valid_name(name)) {
    streams.err << fmt::format("\"{}\" is no name: it is made of a-z, 0-9, _ and -, and begins with a letter or a digit\n", name);
    return kUsage;
  }
  const std::string text = init_text(name, *source, *sink);
  if (options.output == "-") return streams.out << text, kOk;
  return write_file(options.output.empty() ? name + ".yaml" : options.output, text, options.force, streams);
}

}  // namespace sluice::daemon
