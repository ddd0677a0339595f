"""`sluice schema` with a validator that is not ours: what we call good validates, what is wrong does not (CONFIG.md rules 1-6, 16)."""

import json
import pathlib
import re
import sys
import unittest

import jsonschema
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402


class Loader(yaml.SafeLoader):
    """YAML as editors and we read it: `yes` is text, a date is text."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("null", r"^(?:~|null|)$", "~n\0"), ("bool", r"^(?:true|false)$", "tf"), ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
                            ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789")):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first) + ([""] if tag == "null" else []))

# Its fields are not known, so that steps may name any.
OPEN = "source: {file: {paths: [a.jsonl], mode: once}}\nsink: {discard: {}}\n"
ENDS = "source: {generator: {count: 1}}\nsink: {discard: {}}\n"
GOOD = {
    "several sources and sinks": "sources: {a: {generator: {}}}\nsinks: {b: {discard: {}, when: meta.op != \"delete\"}}\nunmatched: drop",
    "nothing behind a component": "source: {generator: }\nsink: {stdout: }",
    "a variable for a number": "source: {generator: {count: \"${N:-5}\", rate: \"${RATE:-5/s}\"}}\nsink: {discard: {}}",
    "a variable for an enum": "source: {generator: {dataset: \"${SET:-orders}\"}}\nsink: {discard: {}}",
    "null is not set": "source: {generator: {count: null}}\nsink: {discard: {}}\ndescription:",
    "anchors": "x-retry: &r {initial: 1s}\nretry: *r\n" + ENDS,
    "long forms": OPEN + "transforms:\n- filter: {keep: this.a, on_leave: delete}\n- drop: {paths: [a]}\n  images: after\n",
    "short forms": OPEN + "transforms:\n- filter: this.a > 1\n- drop: [a]\n- set: {a: 1, b.c: this.x}\n- rename: {a: b}\n- cast: {a: 'decimal(10,2)'}\n",
    "common keys": OPEN + "transforms:\n- filter: this.a\n  name: x\n  when: [this.b, this.c]\n  on_error: drop\n  from: file\n",
    "chains and policies": "source: {generator: {}, transforms: [{drop: [id]}], retry: {give_up_after: never}}\n"
                           "sink: {discard: {}, transforms: [{keep: [total]}], checkpoint: {every: 1s, bytes: 512B}}",
    "format with options": "source: {file: {paths: [a], format: {csv: {delimiter: ';'}}, mode: once, when_done: {move: done}}}\nsink: {stdout: {format: csv}}",
}
# name -> (file, what stands in the finding's path)
BROKEN = {
    "a key misspelt": ENDS.replace("count", "cuont"),
    "a top-level key misspelt": ENDS + "transfroms: []",
    "no sink": "source: {generator: {}}",
    "source and sources": ENDS + "sources: {a: {generator: {}}}",
    "an unknown component": "source: {generater: {}}\nsink: {discard: {}}",
    "two types": "source: {generator: {}, file: {paths: [a]}}\nsink: {discard: {}}",
    "a sink as a source": "source: {discard: {}}\nsink: {discard: {}}",
    "a value of an enum misspelt": "source: {generator: {dataset: ordres}}\nsink: {discard: {}}",
    "a duration without its unit": ENDS + "shutdown_timeout: 30",
    "a duration with a wrong unit": ENDS + "shutdown_timeout: 30sec",
    "a rate without its unit": "source: {generator: {rate: '1000'}}\nsink: {discard: {}}",
    "a share without its unit": "source: {generator: {broken: '5'}}\nsink: {discard: {}}",
    "a size with a wrong unit": ENDS + "queue_bytes: 16Mb",
    "text for a number": "source: {generator: {count: many}}\nsink: {discard: {}}",
    "a list for text": "source: {file: {paths: [a]}}\nsink: {sqlite: {path: [a], table: t}}",
    "text for a list": "source: {file: {paths: a}}\nsink: {discard: {}}",
    "a required field missing": "source: {file: {mode: once}}\nsink: {discard: {}}",
    "a step that is none": ENDS + "transforms: [{fliter: this.a}]",
    "steps that are no list": ENDS + "transforms: {filter: this.a}",
    "a common key where it may not be": "sources: {a: {generator: {}, name: b}}\nsink: {discard: {}}",
    "from in a chain of a sink": "source: {generator: {}}\nsink: {discard: {}, transforms: [{drop: [a], from: x}]}",
    "images beside a step that has none": ENDS + "transforms:\n- filter: this.a\n  images: after\n",
    "on_error of another word": ENDS + "transforms:\n- filter: this.a\n  on_error: ignore\n",
    "two formats": "source: {generator: {}}\nsink: {stdout: {format: {json: {}, csv: {}}}}",
    "an option of another format": "source: {generator: {}}\nsink: {stdout: {format: {json: {delimiter: ';'}}}}",
    "a URL that is none": "source: {postgres_cdc: {url: localhost, tables: [a.b]}}\nsink: {discard: {}}",
    "a cast to no type": ENDS + "transforms:\n- cast: {a: integer}\n",
}


def errors(schema, text):
    validator = jsonschema.Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(yaml.load(text, Loader))]


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Workspace() as work:
            cls.pipeline = json.loads(work.command("schema").stdout)
            cls.settings = json.loads(work.command("schema", "settings").stdout)
            cls.components = json.loads(work.command("components", "--json").stdout)["components"]

    def validated(self, work, text):
        path = work.write("p.yaml", text)
        return work.command("validate", path, "--allow-unset")

    def test_they_are_schemas_of_2020_12(self):
        for schema in (self.pipeline, self.settings):
            self.assertEqual("https://json-schema.org/draft/2020-12/schema", schema["$schema"])
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_example_is_accepted(self):
        files = sorted([*(ROOT / "configs").glob("*.yaml"), *(ROOT / "docs/reference/examples").glob("*.yaml")])
        self.assertGreater(len(files), 10)
        for path in files:
            with self.subTest(path.name):
                schema = self.settings if "settings" in path.name else self.pipeline
                self.assertEqual([], errors(schema, path.read_text("utf-8")))

    def test_good_shapes_are_accepted_by_both(self):
        with Workspace() as work:
            for name, text in GOOD.items():
                with self.subTest(name):
                    done = self.validated(work, text)
                    self.assertEqual(0, done.returncode, done.stderr)
                    self.assertEqual([], errors(self.pipeline, text))

    def test_broken_ones_are_refused_by_both(self):
        with Workspace() as work:
            for name, text in BROKEN.items():
                with self.subTest(name):
                    done = self.validated(work, text)
                    self.assertEqual(2, done.returncode, done.stdout)
                    self.assertNotEqual([], errors(self.pipeline, text), "the schema accepts it")

    def test_every_component_and_field_is_there_with_what_it_means(self):
        for component in self.components:
            if component["kind"] == "file":
                continue
            kind = "step" if component["kind"] == "transform" else component["kind"]
            definition = self.pipeline["$defs"][f"{kind}.{component['name']}"]
            text = json.dumps(definition)
            self.assertEqual(component["summary"], definition["description"])
            self.assertTrue(definition.get("examples"), component["name"])
            for field in component["fields"]:
                if field.get("form") == "whole" or field.get("beside"):
                    continue
                with self.subTest(f"{component['name']}.{field['name']}"):
                    self.assertIn(json.dumps(field["doc"]), text)
                    self.assertNotEqual("{}", json.dumps(self.shape_of(definition, field["name"])), "nothing is known of its values")

    def shape_of(self, definition, field):
        for part in [definition, *definition.get("anyOf", [])]:
            found = part.get("properties", {}).get(field)
            if found:
                return {key: value for key, value in found.items() if key not in ("title", "description", "default")}
        self.fail(f"no property {field}")

    def test_defaults_and_values_are_there(self):
        generator = self.pipeline["$defs"]["source.generator"]
        properties = next(part for part in [generator, *generator.get("anyOf", [])] if "properties" in part)["properties"]
        self.assertEqual("orders", properties["dataset"]["default"])
        self.assertEqual(1, properties["seed"]["default"])
        self.assertIn(["orders", "customers", "clicks"], [part.get("enum") for part in properties["dataset"]["anyOf"]])

    def test_the_keys_beside_components_are_those_that_validate_knows(self):
        # Each common key at each place: the schema may not know more or fewer than the code.
        values = {"name": "x", "from": "generator", "when": "true", "on_error": "drop", "transforms": "[]", "retry": "{}", "checkpoint": "{}", "use": "x"}
        places = {"source": "source: {{generator: {{}}, {}}}\nsink: {{discard: {{}}}}",
                  "named_source": "sources: {{generator: {{generator: {{}}, {}}}}}\nsink: {{discard: {{}}}}",
                  "step": "source: {{generator: {{}}}}\ntransforms: [{{drop: [a], {}}}]\nsink: {{discard: {{}}}}",
                  "owned_step": "source: {{generator: {{}}, transforms: [{{drop: [a], {}}}]}}\nsink: {{discard: {{}}}}",
                  "sink": "source: {{generator: {{}}}}\nsink: {{discard: {{}}, {}}}",
                  "named_sink": "source: {{generator: {{}}}}\nsinks: {{b: {{discard: {{}}, {}}}}}"}
        with Workspace() as work:
            for place, text in places.items():
                for key, value in values.items():
                    with self.subTest(f"{key} of {place}"):
                        path = work.write("p.yaml", text.format(f"{key}: {value}"))
                        found = json.loads(work.command("validate", path, "--json").stdout)["findings"]
                        known = not any(finding["code"] == "unknown_key" for finding in found)
                        self.assertEqual(known, key in self.pipeline["$defs"][place]["properties"], found)

    def test_settings(self):
        good = "listen: 127.0.0.1:0\nlog: {format: json, level: debug}\ntls: {certificate: a, key: b}\nconnections: {shop: {url: 'a://b'}}\nlimits: {body: 1MiB}\n"
        self.assertEqual([], errors(self.settings, good))
        for broken in ("lisen: a", "log: {format: jsn}", "tls: {key: a}", "connections: [a]", "stall_after: 60", "limits: {connections: many}"):
            with self.subTest(broken):
                self.assertNotEqual([], errors(self.settings, broken))


if __name__ == "__main__":
    testing.main()
