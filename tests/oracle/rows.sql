-- Rows that a snapshot or the stream carries.
INSERT INTO numbers VALUES
  (1, 1, 2, 3, 1.5, 2.5, true, 1.50, 123, 123.45, 1.5, 12300, 12.34),
  (2, -32768, -9223372036854775808, 4294967295, '-0', '-0', false, -0.00100, -99999, -999.99, -12345678901234567890.123456789012345678, -9999900, -0.01),
  (3, 32767, 9223372036854775807, 0, 'NaN', 'NaN', null, 123456789012345678901234567890, 0, 0, 0, 0, 92233720368547758.07),
  (4, null, null, null, 'Infinity', '-Infinity', null, 100000, null, 0.01, 0.000000000000000001, null, -92233720368547758.08),
  (5, null, null, null, 3.4028235e38, 1.7976931348623157e308, null, 1e-30, null, null, null, null, null),
  (6, null, null, null, 1.4e-45, 5e-324, null, 1e50, null, null, null, null, null),
  (7, null, null, null, 1e7, 1e7, null, 0.1, null, null, null, null, null),
  (8, null, null, null, 9999999, 9999999, null, 127, null, null, null, null, null),
  (9, null, null, null, 0.001, 0.001, null, 128, null, null, null, null, null),
  (10, null, null, null, 0.000999, 0.0009999, null, -128, null, null, null, null, null),
  (11, null, null, null, 16777216, 123456789.125, null, -129, null, null, null, null, null),
  (12, null, null, null, 3.3, 0.30000000000000004, null, 255, null, null, null, null, null),
  (13, null, null, null, 1e10, 1.0E22, null, 256, null, null, null, null, null);
INSERT INTO numbers (id, n) VALUES (20, 'NaN'), (21, 'Infinity'), (22, '-Infinity');
INSERT INTO numbers (id, n52) VALUES (23, 'NaN');
INSERT INTO texts VALUES
  (1, 'plain', 'v', 'v10', 'c', 'c5', 'CiText', '<a b="c">d</a>', '{"a": 1,  "b":[1,2]}', '{"b": 1, "a": null}',
   '0E37DF36-F698-11E6-8DD4-CB9CED3DF976', 'Top.Science', '978-0-393-04002-9', 'q'),
  (2, E'tab\t line\n quote" back\\ slash/ \b \f \r \x01 \x1f \x7f', 'é ü 漢字 😀 ', '', ' ', '', '', '<x/>', 'null', '"text"', null, '', null, null),
  (3, '', '', null, null, null, null, null, E'{\n  "x": 1.0e5\n}', '1.0e5', null, null, null, null);
INSERT INTO texts (id) VALUES (4);
INSERT INTO binaries VALUES
  (1, '\x00ff10', B'1', B'101', B'10000000001', B'1', B'11111111000000001'),
  (2, '', B'0', B'000', B'00000000000', B'', B''),
  (3, '\xfffefdfcfbfa', null, B'001', B'00000000100', B'0001', null),
  (4, '\x3e3f', null, null, null, null, null);
INSERT INTO times VALUES
  (1, '2020-02-29', '01:02:03.456789', '01:02:03', '01:02:03.456', '01:02:03.456789+05:30', '01:02:03.45-08', '2020-02-29 01:02:03.456789', '2020-02-29 01:02:03',
   '2020-02-29 01:02:03.456', '2020-02-29 01:02:03.45678', '2020-02-29 01:02:03.456789+02', '2020-02-29 01:02:03+02', '2020-02-29 01:02:03.456+02',
   '1 year 2 mons 3 days 04:05:06.789', '1 day 00:00:05', '1 year 7 mons'),
  (2, '1970-01-01', '00:00:00', '00:00:00', '00:00:00', '00:00:00+00', '00:00:00+00', '1970-01-01 00:00:00', '1970-01-01 00:00:00', '1970-01-01 00:00:00',
   '1970-01-01 00:00:00', '1970-01-01 00:00:00+00', '1970-01-01 00:00:00+00', '1970-01-01 00:00:00+00', '0', '0', '0'),
  (3, '1969-12-31', '23:59:59.999999', '23:59:59', '23:59:59.999', '23:59:59.999999-12', '23:59:59.99+12', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59',
   '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.99999', '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59+00', '1969-12-31 23:59:59.999+00',
   '-1 year -2 mons +3 days -04:05:06.000001', '-00:00:01', '-1 mons'),
  (4, '0001-01-01', '12:00:00.5', '12:00:00', '12:00:00.5', '12:00:00.5+00', '12:00:00.5+00', '0001-01-01 00:00:00', '0001-01-01 00:00:00', '0001-01-01 00:00:00',
   '0001-01-01 00:00:00', '0001-01-01 00:00:00+00', '0001-01-01 00:00:00+00', '0001-01-01 00:00:00+00', '10 years', '59.5', '10 years'),
  (5, '9999-12-31', '12:30:00.100', '12:30:00', '12:30:00.1', '12:30:00.100+00', '12:30:00.1+00', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59',
   '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.9', '9999-12-31 23:59:59.9+00', '9999-12-31 23:59:59+00', '9999-12-31 23:59:59.9+00', '00:00:00.000001', '1 mon', '1 mon'),
  (6, '10000-01-01', '00:00:00.001', null, null, '01:02:00+00', null, '10000-01-01 00:00:00', null, null, null, '10000-01-01 00:00:00+00', null, null,
   '100000 hours', null, null),
  (7, '0044-03-15 BC', '00:00:01', null, null, '01:02:03+00:30', null, '0044-03-15 00:00:00 BC', null, null, null, '0044-03-15 00:00:00+00 BC', null, null,
   '-178000000 years', null, null),
  (8, 'infinity', '24:00:00', '24:00:00', '24:00:00', null, null, 'infinity', 'infinity', 'infinity', 'infinity', 'infinity', 'infinity', 'infinity',
   '1 mon', null, null),
  (9, '-infinity', null, null, null, null, null, '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '1 day', null, null),
  (10, '5874897-12-31', null, null, null, null, null, null, null, null, null, null, null, null, '00:00:59.999999', null, null),
  (11, '4713-01-01 BC', null, null, null, null, null, '4713-01-01 00:00:00 BC', null, null, null, '2020-01-01 10:00:00+00', '2020-01-01 10:00:00.5+00', '2020-01-01 10:00:00.12+00', '12:34:56', null, null),
  (12, '1582-10-10', null, null, null, null, null, '1582-10-10 00:00:00', null, null, null, '1582-10-10 00:00:00+00', null, null, '0.1', null, null);
INSERT INTO times (id) VALUES (20);
INSERT INTO networks VALUES
  (1, '192.168.0.1', '192.168.0.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05'), (2, '10.1.2.3/8', '10.0.0.0/8', null, null),
  (3, '2001:db8::1', '2001:db8::/32', null, null);
INSERT INTO ranges VALUES
  (1, '[1,5)', '[1,5]', '[1.5,2.5]', '[2020-01-01 01:02:03.5,2020-01-02)', '[2020-01-01 00:00:00+02,2020-01-02 00:00:00+02]', '[2020-01-01,2020-01-31]', '{[1,3),[5,7)}'),
  (2, 'empty', '(,)', '(,5]', 'empty', '(,2020-01-01 00:00:00+00)', '(,2020-01-01)', '{}');
INSERT INTO shapes VALUES (1, '(1.5,-2)', '(3,4),(1,2)', '[(1,2),(3,4)]', '{1,2,3}', '((1,2),(3,4))', '((1,2),(3,4),(5,6))', '<(1,2),3>'),
  (2, '(1e300,-0)', null, null, null, '[(1,2),(3,4)]', null, null), (3, '(NaN,Infinity)', null, null, null, null, null, null);
INSERT INTO others VALUES
  (1, 'so so', '(1,x)', 5, 1.5, 2.125, 'abc', 'a=>1, "b c"=>"x \" y", "n"=>NULL, "ü"=>"é"', 'a fat cat', 'fat & cat', '16/B374D848', 'people', '5', '$.a'),
  (2, 'glad', null, null, null, null, null, '', '''two words'':1A,3B', null, null, null, null, null),
  (3, 'happy, very', null, null, -1, null, null, null, null, null, null, null, null, null);
INSERT INTO arrays VALUES
  (1, '{1,-2}', '{1,NULL,3}', '{9223372036854775807}', '{4294967295}', '{1.5,NaN,Infinity}', '{2.5,-Infinity}', '{t,f,NULL}', '{1.50,100,0.001}', '{1.5,-2}',
   '{a,"b c","d\"e",NULL,"NULL",""}', '{abc}', '{a,bc}', ARRAY['\x00ff'::bytea, '\x'], ARRAY['{"a": 1}'::json], ARRAY['{"a": 1}'::jsonb, 'null'],
   '{0e37df36-f698-11e6-8dd4-cb9ced3df976}', '{2020-02-29,1969-12-31}', '{01:02:03.456}', '{01:02:03.456}', '{01:02:03+02}', '{2020-02-29 01:02:03.456789}',
   '{2020-02-29 01:02:03.456}', '{2020-02-29 01:02:03.5+02}', '{"so so",glad}', '{10.0.0.1}', ARRAY['a=>1'::hstore], '{Ab,cD}', '{a.b,c}', '{"[1,3)"}'),
  (2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
INSERT INTO arrays (id) VALUES (3);
INSERT INTO different VALUES (1, 'name', '{01:02:03.456789}', '{01:02:03.5+02}', '{1.5}', '{1 day}', ARRAY[B'101'], ARRAY[B'1'], ARRAY['<a/>'::xml], ARRAY['(1,2)'::point], '{n}', ARRAY['(1,x)'::pair], '{5}');
INSERT INTO needed VALUES
  (1, 1, 2, 1.5, 2.5, true, 1.5, 1.5, 1.5, 't', 'v', 'c', '{}', '0e37df36-f698-11e6-8dd4-cb9ced3df976', '<a/>', '\x01', B'1', B'101', B'11', '2020-01-01', '01:02:03', '01:02:03',
   '01:02:03+00', '2020-01-01', '2020-01-01', '2020-01-01 00:00:00+00', '1 day', '10.0.0.1', '[1,2)', '(1,2)', 'glad', 'a=>1', 'c', 'l', '{1}', '{a}', 'a', 7);
INSERT INTO defaults (tn, ug, dn) VALUES ('2020-01-01', '76019d1a-ad2e-4b22-96e9-1a6d6543c818', '2020-01-01'), (null, null, null);
INSERT INTO people VALUES (1, 'Ann', null), (2, 'Bob', 'x'), (3, 'Cid', null), (4, 'Dora', null);
INSERT INTO pairs VALUES (1, 'x', 'v'), (2, 'y', 'w');
INSERT INTO full_rows VALUES (1, 'a', null), (2, 'b', 'n');
INSERT INTO full_keyless VALUES (1, 'a'), (2, 'b');
INSERT INTO by_index VALUES (1, 'a', 'v'), (2, 'b', 'w');
INSERT INTO key_and_index VALUES (1, 'a', 'v'), (2, 'b', 'w');
INSERT INTO keyless VALUES (1, 'a'), (2, null);
INSERT INTO "Odd Näme" VALUES (1, 2, 'x', 'y');
INSERT INTO "sales-eu".items VALUES (1, 'x');
INSERT INTO key_types VALUES (1.50, '2020-01-01 00:00:00.5', '0e37df36-f698-11e6-8dd4-cb9ced3df976', 'sad', '2020-01-01', '\x01', true, 'a', 1.5);
