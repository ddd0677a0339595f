-- Tables for the comparison with Debezium: every type of its map, every kind of key and replica identity, every kind of default.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE EXTENSION isn;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy, very');
ALTER TYPE mood ADD VALUE 'glad';
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN price AS numeric(10,3);
CREATE DOMAIN small_price AS price;
CREATE DOMAIN code AS varchar(5);

CREATE TABLE numbers (
  id int PRIMARY KEY, i2 smallint, i8 bigint, o oid, r real, d double precision, b boolean,
  n numeric, n5 numeric(5), n52 numeric(5,2), n3818 numeric(38,18), nneg numeric(5,-2), m money);
CREATE TABLE texts (
  id int PRIMARY KEY, t text, v varchar, v10 varchar(10), c char, c5 char(5), ci citext, x xml, j json, jb jsonb, u uuid,
  l ltree, ic isbn, q "char");
CREATE TABLE binaries (id int PRIMARY KEY, b bytea, b1 bit, b3 bit(3), b11 bit(11), vb varbit, vb20 varbit(20));
CREATE TABLE times (
  id int PRIMARY KEY, d date, t time, t0 time(0), t3 time(3), tz timetz, tz2 timetz(2), ts timestamp, ts0 timestamp(0), ts3 timestamp(3),
  ts5 timestamp(5), tstz timestamptz, tstz0 timestamptz(0), tstz3 timestamptz(3), iv interval, iv0 interval(0), ivm interval year to month);
CREATE TABLE networks (id int PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8);
CREATE TABLE ranges (
  id int PRIMARY KEY, i4 int4range, i8 int8range, n numrange, ts tsrange, tz tstzrange, d daterange, mi int4multirange);
CREATE TABLE shapes (id int PRIMARY KEY, p point, b box, l lseg, ln line, pa path, po polygon, c circle);
CREATE TABLE others (
  id int PRIMARY KEY, e mood, p pair, dp positive, dpr price, dsp small_price, dc code, h hstore, tv tsvector, tq tsquery, lsn pg_lsn,
  rc regclass, xid xid, jp jsonpath);
CREATE TABLE arrays (
  id int PRIMARY KEY, i2 smallint[], i4 int[], i8 bigint[], o oid[], r real[], d double precision[], b boolean[], n numeric[], n52 numeric(5,2)[],
  t text[], v varchar(5)[], c char(3)[], by bytea[], j json[], jb jsonb[], u uuid[], da date[], ti time[], ti3 time(3)[], tz timetz[],
  ts timestamp[], ts3 timestamp(3)[], tstz timestamptz[], e mood[], i inet[], h hstore[], ci citext[], l ltree[], ir int4range[]);
-- Where we do not follow Debezium: it leaves these columns out or loses their values (docs/formats/debezium.md).
CREATE TABLE different (
  id int PRIMARY KEY, n name, ti time[], tz timetz[], m money[], iv interval[], bi bit(3)[], vb varbit[], x xml[], p point[], na name[], pp pair[], dom positive[]);
CREATE TABLE needed (  -- nothing may be null: what a delete with the key alone says of the other columns
  id int PRIMARY KEY, i2 smallint NOT NULL, i8 bigint NOT NULL, r real NOT NULL, d double precision NOT NULL, b boolean NOT NULL,
  n numeric NOT NULL, n52 numeric(5,2) NOT NULL, m money NOT NULL, t text NOT NULL, v10 varchar(10) NOT NULL, c5 char(5) NOT NULL,
  j jsonb NOT NULL, u uuid NOT NULL, x xml NOT NULL, by bytea NOT NULL, b1 bit NOT NULL, b3 bit(3) NOT NULL, vb varbit NOT NULL,
  da date NOT NULL, ti time NOT NULL, ti3 time(3) NOT NULL, tz timetz NOT NULL, ts timestamp NOT NULL, ts3 timestamp(3) NOT NULL,
  tstz timestamptz NOT NULL, iv interval NOT NULL, i inet NOT NULL, r4 int4range NOT NULL, p point NOT NULL, e mood NOT NULL,
  h hstore NOT NULL, ci citext NOT NULL, l ltree NOT NULL, a int[] NOT NULL, ta text[] NOT NULL, tv tsvector NOT NULL, o oid NOT NULL);
CREATE TABLE defaults (
  id serial PRIMARY KEY, i2 smallint DEFAULT -3, i4 int DEFAULT 42, i8 bigint DEFAULT 9223372036854775807, r real DEFAULT 1.5,
  d double precision DEFAULT 1e300, b boolean DEFAULT true, n numeric DEFAULT 12.50, n52 numeric(5,2) DEFAULT 1.5, nn numeric(5,2) DEFAULT NULL,
  m money DEFAULT 1.5, t text DEFAULT 'it''s "x"', v varchar(10) DEFAULT 'abc', c5 char(5) DEFAULT 'a', tf text DEFAULT upper('a'), j json DEFAULT '{"a":1}',
  jb jsonb DEFAULT '[]', u uuid DEFAULT '76019d1a-ad2e-4b22-96e9-1a6d6543c818', ug uuid DEFAULT gen_random_uuid(), by bytea DEFAULT '\x01',
  b1 bit DEFAULT B'1', b3 bit(3) DEFAULT B'101', vb varbit DEFAULT B'11', da date DEFAULT '2020-02-03', dn date DEFAULT CURRENT_DATE,
  ti time DEFAULT '01:02:03.5', ti3 time(3) DEFAULT '01:02:03.5', ts timestamp DEFAULT '2020-02-03 04:05:06.789', ts3 timestamp(3) DEFAULT '2020-02-03 04:05:06.789',
  tn timestamp DEFAULT now(), tstz timestamptz DEFAULT '2020-02-03 04:05:06+02', tz timetz DEFAULT '04:05:06+02',
  iv interval DEFAULT '1 day 2 hours', e mood DEFAULT 'so so', i inet DEFAULT '10.0.0.1', a int[] DEFAULT '{1}', h hstore DEFAULT 'a=>1',
  p point DEFAULT '(1,2)', dom positive DEFAULT 7, expr int DEFAULT (1 + 2), nt text NOT NULL DEFAULT 'x', ni int NOT NULL DEFAULT 5,
  ci citext DEFAULT 'c', x xml DEFAULT '<a/>', o oid DEFAULT 3, neg int NOT NULL DEFAULT '-7', big numeric(30,3) DEFAULT 123456789012345678901234567.125,
  cast_text text DEFAULT 5::text, ts_user timestamp DEFAULT ('2020-01-01'::date + interval '1 day'), g int GENERATED ALWAYS AS IDENTITY);

CREATE TABLE people (id int PRIMARY KEY, name text, note text);
CREATE TABLE pairs (b int, a text, v text, PRIMARY KEY (a, b));
CREATE TABLE full_rows (id int PRIMARY KEY, name text, note text);
ALTER TABLE full_rows REPLICA IDENTITY FULL;
CREATE TABLE full_keyless (id int, name text);
ALTER TABLE full_keyless REPLICA IDENTITY FULL;
CREATE TABLE by_index (id int NOT NULL, name text NOT NULL, v text);
CREATE UNIQUE INDEX by_index_name ON by_index (name);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_name;
CREATE TABLE key_and_index (id int PRIMARY KEY, name text NOT NULL UNIQUE, v text);
ALTER TABLE key_and_index REPLICA IDENTITY USING INDEX key_and_index_name_key;
CREATE TABLE keyless (id int, name text);
CREATE TABLE toasted (
  id int PRIMARY KEY, t text, j jsonb, x xml, by bytea, ta text[], va varchar[], ia int[], i8a bigint[], ba bytea[], ua uuid[], da double precision[],
  na numeric[], tsa timestamp[], ja jsonb[], h hstore, ha hstore[], n numeric, ci citext, vb varbit, po polygon, v int, tn text NOT NULL);
ALTER TABLE toasted ALTER po SET STORAGE EXTERNAL, ALTER vb SET STORAGE EXTERNAL;
CREATE TABLE toasted_full (id int PRIMARY KEY, t text, v int);
ALTER TABLE toasted_full REPLICA IDENTITY FULL;
CREATE TABLE key_types (
  n numeric, ts timestamp, u uuid, e mood, d date, b bytea, by boolean, c char(3), nv numeric(6,2), PRIMARY KEY (n, ts, u, e, d, b, by, c, nv));
CREATE TABLE "Odd Näme" (id int PRIMARY KEY, "a ""b" int, "ß.x" text, "select" text);
CREATE SCHEMA "sales-eu";
CREATE TABLE "sales-eu".items (id int PRIMARY KEY, name text);
CREATE TABLE parts (id int PRIMARY KEY, b int, c text);
CREATE TABLE last_record (id int PRIMARY KEY);
