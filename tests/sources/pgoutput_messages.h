#pragma once
// Builds messages as the server sends them, for tests of what reads them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sources::postgres::test {

template <typename T>
std::string big_endian(T value) {
  std::string out;
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> static_cast<unsigned>(shift));
  return out;
}
inline std::string i8(int value) { return big_endian(static_cast<std::uint8_t>(value)); }
inline std::string i16(std::size_t value) { return big_endian(static_cast<std::uint16_t>(value)); }
inline std::string i32(std::size_t value) { return big_endian(static_cast<std::uint32_t>(value)); }
inline std::string i64(std::uint64_t value) { return big_endian(value); }
inline std::string zero_ended(std::string_view text) { return std::string(text) + '\0'; }

// Seconds after 2000-01-01 UTC at which every transaction of these tests commits.
inline constexpr std::uint64_t kCommitSeconds = 800'000'000;

inline std::string begin(std::uint64_t commit_lsn, std::uint32_t xid = 7) {
  return "B" + i64(commit_lsn) + i64(kCommitSeconds * 1'000'000) + i32(xid);
}
inline std::string commit(std::uint64_t commit_lsn, std::uint64_t end_lsn) { return "C" + i8(0) + i64(commit_lsn) + i64(end_lsn) + i64(0); }

struct TestColumn {
  std::string name;
  std::uint32_t type = 25;
  bool key = false;
};
inline std::string relation(std::uint32_t id, std::string_view schema, std::string_view table, const std::vector<TestColumn>& columns,
                            char identity = 'd') {
  std::string out = "R" + i32(id) + zero_ended(schema) + zero_ended(table) + identity + i16(columns.size());
  for (const TestColumn& column : columns) out += i8(column.key ? 1 : 0) + zero_ended(column.name) + i32(column.type) + i32(0xffffffff);
  return out;
}

// A column of a tuple: text, null() or unchanged().
using Cell = std::string;
inline Cell text(std::string_view value) { return "t" + i32(value.size()) + std::string(value); }
inline Cell null() { return "n"; }
inline Cell unchanged() { return "u"; }
inline std::string tuple(const std::vector<Cell>& cells) {
  std::string out = i16(cells.size());
  for (const Cell& cell : cells) out += cell;
  return out;
}

inline std::string insert(std::uint32_t id, const std::vector<Cell>& cells) { return "I" + i32(id) + "N" + tuple(cells); }
inline std::string update(std::uint32_t id, const std::vector<Cell>& cells) { return "U" + i32(id) + "N" + tuple(cells); }
inline std::string update(std::uint32_t id, char old, const std::vector<Cell>& before, const std::vector<Cell>& cells) {
  return "U" + i32(id) + old + tuple(before) + "N" + tuple(cells);
}
inline std::string erase(std::uint32_t id, char old, const std::vector<Cell>& before) { return "D" + i32(id) + old + tuple(before); }
inline std::string truncate(const std::vector<std::uint32_t>& ids) {
  std::string out = "T" + i32(ids.size()) + i8(0);
  for (const std::uint32_t id : ids) out += i32(id);
  return out;
}

// Streaming of transactions that still run.  in_block() makes of a change what the server sends inside a block.
inline std::string stream_start(std::uint32_t xid, bool first) { return "S" + i32(xid) + i8(first ? 1 : 0); }
inline std::string stream_stop() { return "E"; }
inline std::string stream_commit(std::uint32_t xid, std::uint64_t commit_lsn, std::uint64_t end_lsn) {
  return "c" + i32(xid) + i8(0) + i64(commit_lsn) + i64(end_lsn) + i64(kCommitSeconds * 1'000'000);
}
inline std::string stream_abort(std::uint32_t xid, std::uint32_t subxid) { return "A" + i32(xid) + i32(subxid); }
inline std::string in_block(std::uint32_t xid, const std::string& change) { return change.substr(0, 1) + i32(xid) + change.substr(1); }

inline std::string logical_message(bool transactional, std::uint64_t lsn, std::string_view prefix, std::string_view content) {
  return "M" + i8(transactional ? 1 : 0) + i64(lsn) + zero_ended(prefix) + i32(content.size()) + std::string(content);
}
inline std::string origin(std::string_view name) { return "O" + i64(0) + zero_ended(name); }

// CopyData around a message, and a keepalive.
inline std::string xlog_data(std::uint64_t lsn, std::string_view message) {
  return "w" + i64(lsn) + i64(lsn) + i64(0) + std::string(message);
}
inline std::string keepalive(std::uint64_t wal_end, bool reply = false) { return "k" + i64(wal_end) + i64(0) + i8(reply ? 1 : 0); }

}  // namespace sluice::sources::postgres::test
