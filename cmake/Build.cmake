# Language level, warnings, sanitizers and linker for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(SLUICE_TESTS "Build the tests" ON)
option(SLUICE_BENCH "Build the benchmarks" OFF)
option(SLUICE_FUZZERS "Build the libFuzzer targets (clang)" OFF)
option(SLUICE_WERROR "Warnings are errors" ON)
set(SLUICE_SANITIZE "" CACHE STRING "address,undefined or thread")

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SLUICE_CCACHE})
endif()
find_program(SLUICE_LLD ld.lld)
if(SLUICE_LLD)
  add_link_options(-fuse-ld=lld)
endif()

add_library(sluice_build INTERFACE)
# -Wpedantic stays on; the statement expression of SLUICE_TRY is marked __extension__.
target_compile_options(sluice_build INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -fstack-protector-strong)
if(SLUICE_WERROR)
  target_compile_options(sluice_build INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # A statement expression is the only way to have TRY as an expression; clang names it even behind __extension__ in macros.
  target_compile_options(sluice_build INTERFACE -Wno-gnu-statement-expression)
endif()
target_include_directories(sluice_build INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(sluice_build INTERFACE _GLIBCXX_ASSERTIONS)

if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees uninitialized members in <regex> and std::function once they are instrumented (GCC bug 105616).
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()
