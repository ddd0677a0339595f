#pragma once
// What a column is to Debezium: found once per schema from the type that PostgreSQL declares, or, where there is none, from the kind of
// value that the field holds.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/schema.h"
#include "formats/debezium/options.h"

namespace sluice::debezium {

enum class ColumnKind : std::uint8_t {
  kBoolean,
  kInt16,
  kInt32,
  kInt64,
  kFloat32,
  kFloat64,
  kString,
  kXml,
  kJson,
  kUuid,
  kLtree,
  kTsvector,
  kEnum,
  kBytes,
  kBits,
  kDate,
  kTime,
  kTimestamp,
  kZonedTime,
  kZonedTimestamp,
  kInterval,
  kDecimal,          // numeric(p,s)
  kVariableDecimal,  // numeric
  kMoney,
  kPoint,
  kGeometry,
  kGeography,
  kHstore,
  kDoubleVector,  // pgvector
  kFloatVector,
  kSparseVector,
  kShape,    // box, circle, line, lseg, path, polygon: unknown to Debezium but reformatted by its driver
  kUnknown,  // any other type: left out, or bytes of its text
  kNatural,  // no declared type: JSON as the value is
};

struct ColumnType {
  ColumnKind kind = ColumnKind::kUnknown;
  bool is_array = false;
  bool is_domain = false;
  std::string name;                 // as PostgreSQL's catalogue names it: "int4", "varchar", "mood"; of the element for an array
  std::optional<int> precision;     // digits of a numeric, of a second's fraction
  int scale = 0;                    // of a numeric
  std::int32_t length = 0;          // of bits; 2147483647: no limit
  std::vector<std::string> labels;  // of an enumeration
};

ColumnType column_type(const Field& field);

// False: Debezium has no converter for it, and the column is no part of its messages.
bool is_written(const ColumnType& type, const Options& options);

}  // namespace sluice::debezium
