-- What only a stream carries.  Each statement is a transaction of its own unless BEGIN says otherwise.
UPDATE people SET name = 'Anna' WHERE id = 1;
UPDATE people SET id = 20 WHERE id = 2;
DELETE FROM people WHERE id = 3;
BEGIN;
INSERT INTO people VALUES (5, 'Eve', null);
UPDATE people SET note = 'in one' WHERE id = 5;
INSERT INTO pairs VALUES (3, 'z', null);
DELETE FROM people WHERE id = 5;
COMMIT;
UPDATE pairs SET v = 'changed' WHERE a = 'x';
UPDATE pairs SET b = 7 WHERE a = 'x';
DELETE FROM pairs WHERE a = 'y';
UPDATE full_rows SET note = 'changed' WHERE id = 1;
UPDATE full_rows SET id = 10 WHERE id = 1;
DELETE FROM full_rows WHERE id = 2;
UPDATE full_keyless SET name = 'changed' WHERE id = 1;
DELETE FROM full_keyless WHERE id = 2;
UPDATE by_index SET v = 'changed' WHERE id = 1;
UPDATE by_index SET name = 'c' WHERE id = 1;
DELETE FROM by_index WHERE id = 2;
UPDATE key_and_index SET v = 'changed' WHERE id = 1;
UPDATE key_and_index SET name = 'c' WHERE id = 1;
DELETE FROM key_and_index WHERE id = 2;
UPDATE "Odd Näme" SET "a ""b" = 3;
DELETE FROM "Odd Näme";
UPDATE "sales-eu".items SET id = 2;
UPDATE key_types SET n = 2.50;
DELETE FROM key_types;
DELETE FROM needed;
DELETE FROM numbers WHERE id < 3;
DELETE FROM defaults;
INSERT INTO toasted
  SELECT 1, s, to_jsonb(s), ('<a>' || s || '</a>')::xml, s::bytea, ARRAY[s], ARRAY[s], ia, ia, ARRAY[s::bytea], array_fill('76019d1a-ad2e-4b22-96e9-1a6d6543c818'::uuid, '{300}'),
    ia, ia, array_fill('2020-01-01'::timestamp, '{300}'), ARRAY[to_jsonb(s)], hstore('k', s), ARRAY[hstore('k', s)], translate(s, 'abcdef', '123456')::numeric,
    s, repeat('01', 9000)::varbit, (SELECT polygon(('((' || string_agg(i::text, '),(') || '))')::text) FROM (SELECT x || ',' || x AS i FROM generate_series(1, 150) x) y), 1, s
  FROM (SELECT string_agg(md5(x::text), '') AS s, (SELECT array_agg(y * 7919 % 100003) FROM generate_series(1, 700) y) AS ia FROM generate_series(1, 140) x) g;
UPDATE toasted SET v = 2;
UPDATE toasted SET id = 2;
DELETE FROM toasted;
INSERT INTO toasted_full SELECT 1, string_agg(md5(x::text), ''), 1 FROM generate_series(1, 140) x;
UPDATE toasted_full SET v = 2;
DELETE FROM toasted_full;
INSERT INTO parts VALUES (1, 2, 'x'), (2, 3, 'y');
TRUNCATE parts, keyless;
ALTER TABLE parts ADD COLUMN d numeric(4,1) NOT NULL DEFAULT 1.5;
INSERT INTO parts VALUES (3, 4, 'z', 2.5);
ALTER TABLE parts DROP COLUMN b;
INSERT INTO parts VALUES (4, 'z', 2.5);
ALTER TABLE parts ALTER COLUMN c TYPE varchar(7);
INSERT INTO parts VALUES (5, 'z', 2.5);
SELECT pg_logical_emit_message(true, 'greeting', 'hello "you"');
SELECT pg_logical_emit_message(false, 'loose', '\x00ff'::bytea);
INSERT INTO last_record VALUES (1);
