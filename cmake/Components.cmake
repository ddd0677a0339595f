# Layers and components.
#
# sluice_layer(core SOURCES a.cc b.cc LINK fmt::fmt)          a static library sluice_core
# sluice_component(sink file file_sink.cc [LINK lib...] [NEEDS target...])
#     adds the file to its layer and a call of register_<name>_<kind>() to the generated registry; when a target
#     named by NEEDS does not exist the component is left out with a message.
set_property(GLOBAL PROPERTY SLUICE_COMPONENTS "")

function(sluice_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(sluice_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(sluice_${name} PUBLIC sluice_build ${ARG_LINK})
endfunction()

function(sluice_component kind name)
  cmake_parse_arguments(ARG "" "" "LINK;NEEDS" ${ARGN})
  foreach(needed ${ARG_NEEDS})
    if(NOT TARGET ${needed})
      message(STATUS "${kind} ${name} is left out: ${needed} was not found")
      return()
    endif()
  endforeach()
  target_sources(sluice_${kind}s PRIVATE ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(sluice_${kind}s PRIVATE ${ARG_LINK} ${ARG_NEEDS})
  set_property(GLOBAL APPEND PROPERTY SLUICE_COMPONENTS "${name}_${kind}")
endfunction()

# Writes components.cc: explicit calls, because linkers drop static registrars.
function(sluice_generate_registry output)
  get_property(components GLOBAL PROPERTY SLUICE_COMPONENTS)
  set(declarations "")
  set(calls "")
  foreach(component ${components})
    string(APPEND declarations "void register_${component}(Registry& registry);\n")
    string(APPEND calls "  register_${component}(registry);\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} CONTENT
"// Generated from the sluice_component() lines of the CMakeLists.txt files.
#include \"core/registry.h\"

namespace sluice {

${declarations}
void register_all_components(Registry& registry);
void register_all_components(Registry& registry) {
${calls}}

}  // namespace sluice
" @ONLY)
endfunction()
