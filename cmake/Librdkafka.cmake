# Target sluice_librdkafka: the newer one that dev.d/librdkafka.sh built into the cache, else Debian's, else none.
#   -DSLUICE_LIBRDKAFKA=system    Debian's although a newer one is there
#   -DSLUICE_LIBRDKAFKA=PREFIX    this one
set(SLUICE_LIBRDKAFKA "$ENV{SLUICE_LIBRDKAFKA}" CACHE STRING "Prefix of a static librdkafka, or \"system\"; empty: the cached one where it is there")

set(prefix "${SLUICE_LIBRDKAFKA}")
if(prefix STREQUAL "")
  set(cache "$ENV{SLUICE_CACHE}")
  if(cache STREQUAL "" AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(cache "$ENV{XDG_CACHE_HOME}/sluice")
  elseif(cache STREQUAL "")
    set(cache "$ENV{HOME}/.cache/sluice")
  endif()
  file(GLOB candidates "${cache}/librdkafka-*/lib/librdkafka.a")
  list(SORT candidates COMPARE NATURAL)
  if(candidates)
    list(GET candidates -1 newest)
    get_filename_component(prefix "${newest}/../.." ABSOLUTE)
  endif()
endif()

if(prefix STREQUAL "" OR prefix STREQUAL "system")
  pkg_check_modules(rdkafka QUIET IMPORTED_TARGET rdkafka)
  if(rdkafka_FOUND)
    add_library(sluice_librdkafka INTERFACE IMPORTED)
    target_link_libraries(sluice_librdkafka INTERFACE PkgConfig::rdkafka)
    set(SLUICE_LIBRDKAFKA_VERSION "${rdkafka_VERSION}")
  endif()
else()
  find_package(OpenSSL REQUIRED)
  find_library(SLUICE_SASL2 sasl2)  # Kerberos, where librdkafka was built with it
  mark_as_advanced(SLUICE_SASL2)
  add_library(sluice_librdkafka INTERFACE IMPORTED)
  target_include_directories(sluice_librdkafka SYSTEM INTERFACE "${prefix}/include")
  target_link_libraries(sluice_librdkafka INTERFACE
    "${prefix}/lib/librdkafka.a" OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB zstd::libzstd_shared Threads::Threads ${CMAKE_DL_LIBS} m
    $<$<BOOL:${SLUICE_SASL2}>:${SLUICE_SASL2}>)
  # #define RD_KAFKA_VERSION 0x020c01ff: major, minor, revision, pre-release
  file(STRINGS "${prefix}/include/librdkafka/rdkafka.h" line REGEX "^#define RD_KAFKA_VERSION +0x[0-9a-f]+")
  string(REGEX REPLACE ".*0x([0-9a-f][0-9a-f])([0-9a-f][0-9a-f])([0-9a-f][0-9a-f]).*" "\\1;\\2;\\3" parts "${line}")
  set(SLUICE_LIBRDKAFKA_VERSION "")
  foreach(part ${parts})
    math(EXPR number "0x${part}")
    string(APPEND SLUICE_LIBRDKAFKA_VERSION ".${number}")
  endforeach()
  string(SUBSTRING "${SLUICE_LIBRDKAFKA_VERSION}" 1 -1 SLUICE_LIBRDKAFKA_VERSION)
endif()
message(STATUS "librdkafka ${SLUICE_LIBRDKAFKA_VERSION} (${prefix})")
