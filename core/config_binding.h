#pragma once
// How a ConfigNode becomes a value of a C++ type: one specialisation of ConfigType per type.  Everything wrong goes to the
// Diagnostics with its place; bind() returns false then and leaves `out` as it was.

#include "core/config_containers.h"
#include "core/config_scalars.h"
