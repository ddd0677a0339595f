#pragma once
// Numbers as Java writes them: Double.toString and Float.toString of JDK 19 and later (JDK-4511638: the shortest decimal that reads back
// as the same number, of at least two digits; before that Java sometimes wrote a digit more, "2.0E-3" was "0.0020").

#include <cstddef>

namespace sluice::debezium {

// Writes at `out`, which has room for kJavaNumberBytes, and returns the end: "1.5", "1.0E10", "-0.0", "NaN", "Infinity", "-Infinity".
inline constexpr std::size_t kJavaNumberBytes = 32;
char* write_java_double(char* out, double value);
char* write_java_float(char* out, float value);

}  // namespace sluice::debezium
