#include "daemon/admin/openapi_schemas.h"

namespace sluice::admin {

const std::string_view kOpenApiSchemas = R"json({
"Problem": {"type": "object", "description": "RFC 9457; code is stable.", "required": ["type", "title", "status", "code", "detail"],
  "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"},
    "detail": {"type": "string"}}},
"Version": {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}},
"LastError": {"type": ["object", "null"], "properties": {"kind": {"type": "string"}, "code": {"type": "string"},
  "message": {"type": "string"}, "at": {"type": ["string", "null"]}}},
"Health": {"type": "object", "required": ["status"], "properties": {"status": {"enum": ["ok", "unhealthy"]}, "causes": {"type": "array",
  "items": {"type": "object", "properties": {"pipeline": {"type": "string"}, "cause": {"enum": ["failed", "stalled"]},
    "state": {"type": "string"}, "last_error": {"$ref": "#/components/schemas/LastError"}}}}}},
"Readiness": {"type": "object", "required": ["status"], "properties": {"status": {"enum": ["ready", "starting"]},
  "waiting_for": {"type": "array", "items": {"type": "string"}}}},
"DoneThrough": {"type": "object", "description": "By checkpoint key: major and minor of the last record, as text.",
  "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}},
"Pipeline": {"type": "object", "required": ["name", "state", "since", "restarts", "last_error", "sources", "sinks"], "properties": {
  "name": {"type": "string"},
  "state": {"enum": ["building", "starting", "running", "backing_off", "draining", "stopped", "failed", "paused"]},
  "since": {"type": ["string", "null"], "description": "RFC 3339"}, "restarts": {"type": "integer", "minimum": 0},
  "last_error": {"$ref": "#/components/schemas/LastError"}, "last_progress": {"type": ["string", "null"]},
  "sources": {"type": "array", "items": {"type": "object", "required": ["name", "position", "lag_seconds"], "properties": {
    "name": {"type": "string"}, "type": {"type": "string"}, "position": {"$ref": "#/components/schemas/DoneThrough"},
    "lag_seconds": {"type": ["number", "null"], "description": "0: caught up; null: this source does not know"}}}},
  "sinks": {"type": "array", "items": {"type": "object", "required": ["name", "guarantee", "reason", "committed", "queue_bytes"],
    "properties": {"name": {"type": "string"}, "type": {"type": "string"}, "guarantee": {"enum": ["exactly_once", "at_least_once"]},
      "reason": {"type": "string"}, "committed": {"$ref": "#/components/schemas/DoneThrough"},
      "queue_bytes": {"type": "integer", "minimum": 0}}}}}},
"Pipelines": {"type": "array", "items": {"$ref": "#/components/schemas/Pipeline"}},
"Books": {"type": "object", "required": ["lanes"], "properties": {"lanes": {"type": "array", "items": {"type": "object",
  "required": ["sink", "in", "created", "filtered", "deduplicated", "dead_lettered", "skipped", "out", "in_flight"], "properties": {
    "sink": {"type": "string"}, "in": {"type": "integer"}, "created": {"type": "integer"}, "filtered": {"type": "integer"},
    "deduplicated": {"type": "integer"}, "dead_lettered": {"type": "integer"}, "skipped": {"type": "integer"}, "out": {"type": "integer"},
    "in_flight": {"type": "integer"}}}}}},
"SnapshotWish": {"type": "object", "required": ["tables"], "properties": {"tables": {"type": "array", "minItems": 1, "maxItems": 1000,
  "items": {"type": "string"}}, "source": {"type": "string", "description": "needed where a pipeline has several sources"}}},
"SnapshotAsked": {"type": "object", "properties": {"tables": {"type": "array", "items": {"type": "string"}}}},
"Position": {"type": "object", "required": ["major", "minor"], "additionalProperties": false, "properties": {
  "major": {"type": "string", "pattern": "^[0-9]{1,20}$"}, "minor": {"type": "string", "pattern": "^[0-9]{1,20}$"},
  "resume": {"type": "string", "pattern": "^([0-9a-f]{2})*$", "description": "what the source needs to go on there, in hexadecimal"},
  "retired": {"type": "boolean"}}},
"Positions": {"type": "object", "required": ["pipeline", "sinks"], "properties": {"pipeline": {"type": "string"}, "sinks": {"type": "array",
  "items": {"type": "object", "required": ["sink", "positions"], "properties": {"sink": {"type": "string"}, "positions": {"type": "object",
    "additionalProperties": {"$ref": "#/components/schemas/Position"}}}}}}},
"PositionWish": {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {"set": {"type": "object",
  "additionalProperties": {"$ref": "#/components/schemas/Position"}}, "reset": {"type": "array", "items": {"type": "string"}}}},
"Removed": {"type": "object", "required": ["removed"], "properties": {"removed": {"type": "array", "items": {"type": "string"}}}},
"Reload": {"type": "object", "required": ["applied", "pipelines", "findings", "problems"], "properties": {"applied": {"type": "boolean"},
  "pipelines": {"type": "array", "items": {"type": "object", "required": ["name", "action", "positions"], "properties": {
    "name": {"type": "string"}, "action": {"enum": ["start", "stop", "change", "none"]},
    "positions": {"type": "array", "items": {"type": "string"}}}}},
  "findings": {"type": "array", "items": {"type": "object"}}, "problems": {"type": "array", "items": {"type": "string"}}}},
"DeadLetter": {"type": "object", "required": ["id", "pipeline", "stage", "phase", "code", "state"], "properties": {"id": {"type": "integer"},
  "pipeline": {"type": "string"}, "stage": {"type": "string"}, "phase": {"type": "string"}, "code": {"type": "string"},
  "state": {"enum": ["pending", "open", "replaying", "replayed", "discarded"]}}},
"DeadLetters": {"type": "object", "properties": {"letters": {"type": "array", "items": {"$ref": "#/components/schemas/DeadLetter"}},
  "totals": {"type": "array", "items": {"type": "object"}}}},
"LetterFilter": {"type": "object", "additionalProperties": false, "properties": {"stage": {"type": "string"}, "code": {"type": "string"},
  "state": {"type": "string"}, "id": {"type": "integer"}, "since": {"type": "string"}, "until": {"type": "string"}}},
"LetterWish": {"type": "object", "additionalProperties": false, "properties": {"filter": {"$ref": "#/components/schemas/LetterFilter"}, "all": {"type": "boolean"},
  "limit": {"type": "integer", "minimum": 1}}},
"ReplayWish": {"type": "object", "additionalProperties": false, "properties": {"filter": {"$ref": "#/components/schemas/LetterFilter"}, "all": {"type": "boolean"},
  "limit": {"type": "integer", "minimum": 1}, "from": {"enum": ["stage", "start"]}, "allow_stale": {"type": "boolean"}}},
"ReplayTicket": {"type": "object", "properties": {"accepted": {"type": "integer"}, "not_yet": {"type": "integer"},
  "not_open": {"type": "integer"}, "first": {"type": "integer"}, "last": {"type": "integer"}}},
"ReplayProgress": {"type": "object", "properties": {"waiting": {"type": "integer"}, "replayed": {"type": "integer"},
  "refused_again": {"type": "integer"}, "put_back": {"type": "integer"}}},
"Discarded": {"type": "object", "properties": {"discarded": {"type": "integer"}, "not_open": {"type": "integer"}}},
"OpenApi": {"type": "object"}
})json";

}  // namespace sluice::admin
