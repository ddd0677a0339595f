"""The types and values of postgres_types_test.py."""

import dataclasses


@dataclasses.dataclass
class Type:
    name: str  # as SQL writes it
    values: list  # texts that the server reads; null is added to each type
    form: str = ""  # how the sinks write it, where that is not the server's own text: bytes, time, json
    delimiter: str = ","

    @property
    def is_array(self):
        return self.name.endswith("[]")


SETUP = """
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE EXTENSION seg; CREATE EXTENSION isn;
CREATE EXTENSION lo; CREATE EXTENSION intarray;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy, "very"', 'null', 'großartig');
CREATE TYPE pair AS (a int, b text, c numeric[]);
CREATE TYPE nested AS (p pair, ps pair[], m mood);
CREATE DOMAIN price AS numeric(12,3) CHECK (VALUE >= 0);
CREATE DOMAIN best_price AS price CHECK (VALUE < 1000000);
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN word AS citext;
CREATE DOMAIN raw AS bytea;
CREATE DOMAIN prices AS numeric(12,3)[];
CREATE TYPE float_range AS RANGE (subtype = float8);
CREATE TABLE people (id int PRIMARY KEY);
CREATE SCHEMA "Sales eu"; CREATE TABLE "Sales eu"."Or""ders" (id int);
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'select $1 * 2';
CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
"""

TEXTS = ["", " ", "a", "é ü 中 𝄞 \u202e", "back\\slash \\N \\. \\x41 \\\\", 'quote " \' ` $$', "line\nfeed\r\ntab\t\v\f\b\x01\x7f",
    "NULL", "null", "{}", "[1]", "{\"a\":1}", "true", "007", "1e5", " 12 ", "+1", "0x10", "NaN", "x" * 9000, "\ufeff", "\u2028\u2029",
    ":x :'x'"]
NUMBERS = ["0", "0.000", "-1", "1.10", "NaN", "Infinity", "-Infinity", "1" + "0" * 60, "0." + "0" * 60 + "1",
    "-123456789012345678901234567890.0123456789", "9" * 131072 + "." + "9" * 16383, "1e-16383"]
FLOATS = ["0", "-0", "1", "-1.5", "NaN", "Infinity", "-Infinity", "0.1", "1e15", "1e16", "123456789.125"]
DATES = ["1970-01-01", "2000-02-29", "9999-12-31", "10000-01-01", "5874897-12-31", "0001-01-01", "0001-12-31 BC", "0044-03-15 BC",
    "4713-11-24 BC", "infinity", "-infinity"]
TIMES = ["00:00:00", "24:00:00", "23:59:59.999999", "12:00:00.000001", "01:02:03.5"]
MOMENTS = ["1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2026-11-21 14:22:23.000001", "9999-12-31 23:59:59.999999",
    "10000-01-01 00:00:00", "0001-01-01 00:00:00", "0001-12-31 23:59:59.5 BC", "4713-11-24 00:00:00 BC", "294247-01-10 04:00:54.775805",
    "294247-01-10 04:00:54.775806", "294247-01-10 04:00:54.775807", "294276-12-31 23:59:59.999999", "infinity", "-infinity"]
INTERVALS = ["0", "1 year 2 months 3 days 04:05:06.7", "-1 year +2 days -00:00:00.000001", "1 mon -1 day +00:00:01", "-5 days +23:00:00",
    "-00:00:00.5", "178000000 years", "-178000000 years", "2147483647 days", "-2147483648 days", "2562047788:00:54.775807",
    "-2562047788:00:54.775807", "25:00:00", "11 mons", "-11 mons 13 days"]
JSONS = ["{}", "[]", "null", "true", '""', '"a\\"b\\\\c\\n"', "0", "-0", "1.0", "1.50",
    "12345678901234567890123456789012345678901234567890.000100", "1e400", "1E-7", "-1.5e+300", '{"b":1,"a":[1,{"c":null}],"":"é𝄞"}',
    '[[1,2],[3]]', '"{1}"', '"\\u00e9\\ud834\\udd1e"', '{"long":"' + "y" * 3000 + '"}']
SPACED = '{"a":\n\t1,\r\n"b":[ ]}'
BYTES = [r"\x", r"\x00", "\\x" + bytes(range(256)).hex(), r"\x5c78", r"\xff", "\\x" + "ab" * 3001]

TYPES = [
    Type("bool", ["t", "f"]),
    Type("int2", ["0", "-32768", "32767"]),
    Type("int4", ["0", "-2147483648", "2147483647"]),
    Type("int8", ["0", "-9223372036854775808", "9223372036854775807", "9007199254740993"]),
    Type("oid", ["0", "4294967295"]),
    Type("numeric", NUMBERS),
    Type("numeric(10,4)", ["0", "-1.5", "999999.9999", "NaN"]),
    Type("numeric(4,-2)", ["0", "-999900", "1200"]),
    Type("numeric(3,6)", ["0.000999", "-0.000001"]),
    Type("float4", [*FLOATS, "1e-45", "3.4028235e38", "-1.17549435e-38", "16777217", "0.30000001"]),
    Type("float8", [*FLOATS, "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "-1.7976931348623157e308",
         "0.30000000000000004", "9007199254740993"]),
    Type("money", ["0", "-92233720368547758.08", "92233720368547758.07", "1234.5"]),
    Type("text", TEXTS),
    Type("varchar", TEXTS),
    Type("varchar(10)", ["", "abc  ", "éééééééééé"]),
    Type("bpchar", ["", "abc  "]),
    Type("char(6)", ["", "abc", "é  "]),
    Type('"char"', ["", "a", " ", "\\", '"', "\n", "\\001", "\\200", "\\377"]),
    Type("name", ["", "pg_class", 'A b"c', "x" * 63, "\\"]),
    Type("citext", TEXTS),
    Type("bytea", BYTES, "bytes"),
    Type("bit", ["0", "1"]),
    Type("bit(5)", ["00000", "10101"]),
    Type("varbit", ["", "1", "0" * 70 + "1"]),
    Type("varbit(3)", ["", "01"]),
    Type("date", DATES, "time"),
    Type("time", TIMES),
    Type("time(2)", ["01:02:03.45", "24:00"]),
    Type("timetz", ["00:00:00+00", "24:00:00-15:59", "23:59:59.999999+15:59", "12:00:00.000001+05:30", "01:02:03-03:30:15",
         "00:00:00-00:00:01"]),
    Type("timestamp", MOMENTS, "time"),
    Type("timestamp(3)", ["2026-11-21 14:22:23.123", "0001-01-01 00:00:00.001 BC"], "time"),
    Type("timestamptz", [*MOMENTS, "2026-11-21 14:22:23.5+05:30", "294276-12-31 23:59:59.999999-00", "0044-03-15 01:00:00+01 BC"], "time"),
    Type("interval", INTERVALS),
    Type("interval year to month", ["1-2", "-1-2"]),
    Type("interval(2)", ["1.25 s", "-1.25 s"]),
    Type("uuid", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0e37df36-f698-11e6-8dd4-cb9ced3df976"]),
    Type("json", [*JSONS, ' { "a" : 1 , "a" : 2 } ', SPACED, '"\\u0000"', '"\\ud800"', '"a\\u2028b"', "1" * 5000], "json"),
    Type("jsonb", [*JSONS, ' { "a" : 1 , "a" : 2 } ', "1" * 5000], "json"),
    Type("jsonpath", ["$", "strict $.a[*] ? (@.b > 1.5)", '$."a b"']),
    Type("xml", ["<a/>", "<a b='1'>\n é &amp; <![CDATA[<x>]]></a>", "text only", "<?xml version=\"1.0\" standalone=\"yes\"?><a/>", ""]),
    Type("tsvector", ["", "a fat cat", "'two words':1A,3B 'it''s':2 'back\\\\slash'", "é:16383"]),
    Type("tsquery", ["", "fat & (rat | !cat)", "'two words':AB <-> b:*", "a <3> b"]),
    Type("inet", ["0.0.0.0/0", "10.0.0.1", "10.0.0.1/8", "255.255.255.255/32", "::", "::1/0", "2001:db8::1/64", "::ffff:1.2.3.4"]),
    Type("cidr", ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.1/32", "::/0", "2001:db8::/32"]),
    Type("macaddr", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"]),
    Type("macaddr8", ["00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:fe"]),
    Type("point", ["(0,-0)", "(1.5,-2e300)", "(NaN,Infinity)", "(5e-324,0.1)"]),
    Type("line", ["{1,2,3}", "{-0.5,1e-10,0}"]),
    Type("lseg", ["[(0,0),(1,1.5)]"]),
    Type("box", ["(2,2),(0,-1.5)", "(Infinity,1),(0,0)"]),
    Type("path", ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"]),
    Type("polygon", ["((0,0),(1,1),(2,0))"]),
    Type("circle", ["<(1,2),3.5>", "<(0,0),Infinity>"]),
    Type("pg_lsn", ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"]),
    Type("xid", ["0", "4294967295"]),
    Type("xid8", ["0", "18446744073709551615"]),
    Type("cid", ["4294967295"]),
    Type("tid", ["(0,0)", "(4294967295,65535)"]),
    Type("pg_snapshot", ["10:10:", "10:20:10,14,15"]),
    Type("txid_snapshot", ["10:20:10,14,15"]),
    Type("oidvector", ["", "1 4294967295"]),
    Type("int2vector", ["", "1 -2"]),
    Type("refcursor", ["", "a b"]),
    Type("aclitem", ["postgres=arwdDxt/postgres", "=r/postgres"]),
    Type("regclass", ["people", '"Sales eu"."Or""ders"', "pg_class", "123456", "-"]),
    Type("regtype", ["mood", "pair[]", "int4", "timestamptz", '"char"']),
    Type("regproc", ["twice", "now", "-"]),
    Type("regprocedure", ["twice(int)", "abs(float8)"]),
    Type("regoper", ["@#@", "pg_catalog.||/"]),
    Type("regoperator", ["@#@(int,int)", "+(int,int)", "!!(none,tsquery)"]),
    Type("regnamespace", ["public", '"Sales eu"']),
    Type("regrole", ["postgres"]),
    Type("regconfig", ["english", "simple"]),
    Type("regdictionary", ["simple"]),
    Type("regcollation", ['"C"', '"default"']),
    Type("mood", ["sad", "so so", 'happy, "very"', "null", "großartig"]),
    Type("pair", ["(,,)", '(1,"a ""b"" \\\\, )","{1.50,NaN,NULL}")', '(-1,"",{})', '(,"é\n\t",)']),
    Type("nested", ['("(1,""x y"",)","{""(2,,{})"",NULL}","so so")', "(,,)"]),
    Type("price", ["0", "123456789.123"]),
    Type("best_price", ["0", "999999.999"]),
    Type("word", ["", "MiXed", "a\\b"]),
    Type("moment", ["infinity", "0044-03-15 01:00:00+01 BC", "294276-12-31 23:59:59.999999+00"], "time"),
    Type("raw", [r"\x00ff", r"\x"], "bytes"),
    Type("int4range", ["empty", "(,)", "[1,5)", "(,5)", "[1,)"]),
    Type("int8range", ["empty", "[-9223372036854775808,9223372036854775807)"]),
    Type("numrange", ["empty", "(,)", "(1.10,2.200]", "[NaN,NaN]", "[-Infinity,Infinity]"]),
    Type("float_range", ["[-0,1e300)", "empty"]),
    Type("daterange", ["empty", "[2020-01-01,infinity]", "(,0044-03-15 BC)", "[5874897-01-01,)"]),
    Type("tsrange", ["empty", '["0044-03-15 00:00:00 BC",infinity]', "[2020-01-01 00:00:00.000001,)", '[,"294276-12-31 23:59:59.999999"]']),
    Type("tstzrange", ["empty", "[2020-01-01 00:00:00+05:30,infinity)", "[-infinity,]"]),
    Type("int4multirange", ["{}", "{(,)}", "{[1,3),[5,)}"]),
    Type("nummultirange", ["{}", "{[1.0,2.50],(3,)}"]),
    Type("int8multirange", ["{[-9223372036854775808,9223372036854775807)}"]),
    Type("float_multirange", ["{[-0,1e300)}"]),
    Type("datemultirange", ["{(,0044-03-15 BC),[2020-01-01,infinity]}"]),
    Type("tsmultirange", ['{["0044-03-15 00:00:00 BC",infinity]}']),
    Type("tstzmultirange", ["{[2020-01-01 00:00+00,infinity)}"]),
    Type("hstore", ["", "a=>1", 'a=>NULL, "NULL"=>"", "b c"=>"x \\" \\\\ y", "ü"=>"é\n"', '""=>""']),
    Type("ltree", ["", "Top.Science", "a_b.C.d1"]),
    Type("lquery", ["*.a{1,3}.b*|c", "!x.*{2}"]),
    Type("ltxtquery", ["a & !b*@"]),
    Type("cube", ["(1)", "(1,2),(3.5,-4e300)", "(0,0,0)"]),
    Type("seg", ["1.0 .. 2.50", "<3", "5(+-)0.3"]),
    Type("isbn", ["0-7356-0712-5"]),
    Type("isbn13", ["978-0-7356-0712-5"]),
    Type("ean13", ["978-0-7356-0712-5", "978-0-7356-0712-5!"]),
    Type("issn", ["1436-4522"]),
    Type("issn13", ["977-1436-452-00-8"]),
    Type("ismn", ["M-2306-7118-7"]),
    Type("ismn13", ["979-0-2306-7118-7"]),
    Type("upc", ["012345678905"]),
    Type("lo", ["4294967295", "0"]),
    Type("query_int", ["1&(2|!3)"]),
    # Arrays
    Type("int4[]", ["{}", "{1,NULL,-2147483648}", "{{1,2},{3,NULL}}", "[0:1]={7,8}", "[-2:-1][5:6]={{1,2},{3,4}}", "{{{{{{1}}}}}}"]),
    Type("int2[]", ["{-32768}"]),
    Type("int8[]", ["{9223372036854775807,-9223372036854775808}"]),
    Type("bool[]", ["{t,f,NULL}"]),
    Type("text[]", ["{}", '{""}', '{a,"b c","d\\"e\\\\","{x}",NULL,"NULL",null,"null"," "}', '{{"a,b","c;d"},{"é\n",""}}',
         '[2:3]={"a b",NULL}']),
    Type("varchar(5)[]", ["{abc,NULL}"]),
    Type("char(3)[]", ['{a,"bc "}']),
    Type('"char"[]', ['{a,"\\\\377",""}']),
    Type("name[]", ["{a,\"b c\"}"]),
    Type("citext[]", ["{Ab,NULL}"]),
    Type("numeric[]", ["{NaN,Infinity,1.50,0.000,NULL}", "{{1.0},{2.00}}", "[0:0]={1.50}"]),
    Type("float4[]", ["{NaN,-Infinity,1e-45,0.1,-0}"]),
    Type("float8[]", ["{NaN,Infinity,5e-324,-0,1e22}"]),
    Type("bytea[]", ['{"\\\\x00ff","\\\\x",NULL}', '{{"\\\\x01"},{"\\\\xff"}}'], "bytes"),
    Type("uuid[]", ["{0e37df36-f698-11e6-8dd4-cb9ced3df976}"]),
    Type("bit(3)[]", ["{101,000}"]),
    Type("varbit[]", ['{101,""}']),
    Type("json[]", ["{}", '{"{\\"a\\": [1,2]}","[3]","1.50","\\"x\\"",NULL}'], "json"),
    Type("jsonb[]", ['{"{\\"a\\": 1e30}","true",NULL}', '{null,"null"}'], "json"),
    Type("date[]", ["{infinity,-infinity,0044-03-15 BC,10000-01-01,NULL}"], "time"),
    Type("time[]", ["{24:00:00,00:00:00.000001}"]),
    Type("timetz[]", ["{24:00:00-03:30:15}"]),
    Type("timestamp[]", ['{infinity,"0044-03-15 00:00:00 BC","294276-12-31 23:59:59.999999"}'], "time"),
    Type("timestamptz[]", ['{-infinity,"0044-03-15 00:00:00+00 BC","294276-12-31 23:59:59.999999+00"}'], "time"),
    Type("interval[]", ['{"1 mon -1 day +00:00:01",00:00:00}']),
    Type("mood[]", ['{sad,"so so","happy, \\"very\\"","null",NULL}', "{{sad},{großartig}}"]),
    Type("pair[]", ['{"(1,\\"a b\\",)",NULL}']),
    Type("best_price[]", ["{1.5,NULL}"]),
    Type("word[]", ["{Ab}"]),
    Type("prices", ["{1.5,NULL}", "{{1},{2}}", "[0:0]={1}", "{}"]),
    Type("inet[]", ["{10.0.0.1/8,::1}"]),
    Type("int4range[]", ['{"[1,3)",empty,"(,)"}']),
    Type("numrange[]", ['{"[1.10,)"}']),
    Type("int4multirange[]", ['{"{[1,2),[4,)}"}']),
    Type("box[]", ["{(1,1),(0,0);(2,2),(0,0)}"], "", ";"),
    Type("point[]", ['{"(1,2)","(NaN,0)"}']),
    Type("hstore[]", ['{"\\"a b\\"=>NULL"}']),
    Type("ltree[]", ["{a.b,c}"]),
    Type("money[]", ["{1.5,-2}"]),
    Type("xml[]", ['{"<a b=\\"1\\"/>"}']),
    Type("tsvector[]", ["{\"'a b':1\"}"]),
    Type("regclass[]", ["{people,pg_class}"]),
    Type("pg_lsn[]", ["{16/B374D848}"]),
    Type("xid8[]", ["{18446744073709551615}"]),
    Type("oid[]", ["{4294967295}"]),
]

GEOMETRIES = ["POINT(1 2)", "SRID=4326;POINT Z (1.5 -2.25 1e300)", "POINT EMPTY", "SRID=3857;LINESTRING ZM (0 0 1 2,1 1 3 4)",
    "POLYGON((0 0,1 0,1 1,0 0),(0.1 0.1,0.2 0.1,0.2 0.2,0.1 0.1))", "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING EMPTY)",
    "CIRCULARSTRING(0 0,1 1,2 0)", "MULTIPOINT(1 2,3 4)"]
POSTGIS = [
    Type("spheroid", ['SPHEROID["WGS 84",6378137,298.257223563]']),
    Type("geometry", GEOMETRIES),
    Type("geometry(Point,4326)", ["SRID=4326;POINT(1 2)"]),
    Type("geography", ["POINT(-180 90)", "SRID=4326;LINESTRING(0 0,1 1)"]),
    Type("box2d", ["BOX(0 0,1.5 2)"]),
    Type("box3d", ["BOX3D(0 0 0,1.5 2 3)"]),
    Type("geometry[]", ["{POINT(1 2):SRID=4326;POINT(3 4)}"], "", ":"),
]
VECTORS = [
    Type("vector", ["[1,2.5,-3e-30]", "[0.1]"]),
    Type("vector(3)", ["[1,2,3]"]),
    Type("halfvec", ["[1,65504,-0.00006]"]),
    Type("sparsevec", ["{1:1.5,3:-2}/5", "{}/7"]),
    Type("vector[]", ['{"[1,2]","[3]"}']),
]

IS_NULL = "JSON stands in JSON as it is, and then its null and SQL's are one; in a column of sqlite they differ"
NO_MINUS = "a REAL of SQLite is stored as an integer where it is one, and there is no -0 among those; it is equal to 0 in both databases"
# What a sink cannot say: (sink, type, value): reason.
EXCEPTIONS = {
    ("sqlite", "float4", "-0"): NO_MINUS,
    ("sqlite", "float8", "-0"): NO_MINUS,
    ("file", "json", "null"): IS_NULL,
    ("file", "jsonb", "null"): IS_NULL,
    ("file", "jsonb[]", "{null,\"null\"}"): IS_NULL,
    ("sqlite", "jsonb[]", "{null,\"null\"}"): "a list is JSON there, too",
    ("file", "json", SPACED): "a record is a line: breaks between JSON's tokens, where they mean nothing, are spaces",
}
# Of statistics and of indexes; the server reads no text of them, or no column of a table has them.
UNTRIED = {
    "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary",
    "gtsvector", "ghstore", "ltree_gist", "intbig_gkey", "box2df", "gidx",
}
