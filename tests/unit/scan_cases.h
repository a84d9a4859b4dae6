/*
 * scan_cases.h - small frames that are JSON and small frames that are not,
 * one for each corner of the grammar.  CASE takes bytes with NULs in them.
 */
#ifndef EVT_SCAN_CASES_H
#define EVT_SCAN_CASES_H

#include <stddef.h>

#define CASE(text) { text, sizeof(text) - 1 }

static const struct scan_case {
	const char *text;
	size_t len;
} yes_cases[] = {
	/* every kind of value, alone and in containers */
	CASE("null"), CASE("true"), CASE("false"), CASE("0"), CASE("\"\""),
	CASE("[]"), CASE("{}"), CASE("[[]]"), CASE("[{}]"), CASE("{\"\":{}}"),
	CASE("[null,true,false,0,\"\",[],{}]"), CASE("[1,2]"),
	CASE("{\"a\":1,\"b\":2}"), CASE("{\"a\":1,\"a\":2}"),
	CASE("{\"a\":[{\"b\":[{}]}]}"), CASE("[[[],[]],[]]"),
	/* white space wherever it may stand */
	CASE(" 1"), CASE("1 "), CASE("\t1\n"), CASE("\r\n1\r\n"),
	CASE("[ ]"), CASE("{ }"), CASE("[ 1 , 2 ]"), CASE("[\n1\n,\n2\n]"),
	CASE("{ \"a\" : 1 , \"b\" : [ ] }"),
	CASE(" \t\r\n{\t\"a\"\r:\n1\t}\r \n"),
	CASE("                                  {                   }"),
	/* numbers */
	CASE("-0"), CASE("-1"), CASE("10"), CASE("1234567890"), CASE("0.0"),
	CASE("-0.5"), CASE("1.25"), CASE("1e5"), CASE("1E5"), CASE("1e+5"),
	CASE("1e-5"), CASE("0e0"), CASE("0E+0"), CASE("1.5e10"),
	CASE("1.00"), CASE("1e00"), CASE("1e05"), CASE("123e65"),
	CASE("9223372036854775807"), CASE("-9223372036854775808"),
	CASE("9223372036854775808"), CASE("99999999999999999999999999999"),
	CASE("1e999999"), CASE("-1e-999999"), CASE("[-0]"), CASE("[1 ]"),
	/* strings */
	CASE("\"a\""), CASE("\" \""), CASE("\"\\\"\""), CASE("\"\\\\\""),
	CASE("\"\\/\\b\\f\\n\\r\\t\""), CASE("\"/\""), CASE("\"\x7f\""),
	CASE("\"\\\\u0000\""), CASE("\"\\u0000\""), CASE("\"\\u00e9\""),
	CASE("\"\\uABCD\\uabcd\\uAbCd\""), CASE("\"\\u0022\\u005c\""),
	CASE("\"\\uD834\\uDD1E\""), CASE("\"\\ud800\\udc00\\udbff\\udfff\""),
	CASE("\"\\ud7ff\\ue000\""), CASE("\"\\uffff\\ufffe\\ufdd0\""),
	CASE("\"\\ufeff\""), CASE("\"'{[]}:,\""), CASE("\"//\""),
	CASE("\"0123456789abcdef\""), CASE("\"0123456789abcdef\\n0123456789\""),
	CASE("{\"\\u0061\\n\":1}"), CASE("{\"\\u0000\":1}"),
	/* UTF-8: the first and the last of each length */
	CASE("\"\xc2\x80\""), CASE("\"\xdf\xbf\""), CASE("\"\xe0\xa0\x80\""),
	CASE("\"\xed\x9f\xbf\""), CASE("\"\xee\x80\x80\""),
	CASE("\"\xef\xbf\xbf\""), CASE("\"\xf0\x90\x80\x80\""),
	CASE("\"\xf4\x8f\xbf\xbf\""), CASE("\"\xef\xbb\xbf\""),
	CASE("\"\xd0\x9f\xd1\x80\xd0\xb8 \xe2\x82\xac \xf0\x9f\x98\x80!\""),
	CASE("\"\xe2\x80\xa8\xe2\x80\xa9\""), CASE("{\"\xc3\xa9\":\"\xc3\xa9\"}"),
};

static const struct scan_case no_cases[] = {
	/* nothing, too little, too much */
	CASE(""), CASE(" "), CASE("\n"), CASE("X"), CASE("1 2"), CASE("1,2"),
	CASE("[] []"), CASE("{}{}"), CASE("null null"), CASE("[1]x"),
	CASE("\"a\"\"b\""), CASE("[1]]"), CASE("{}}"), CASE("1]"), CASE(","),
	CASE(":"), CASE("]"), CASE("}"), CASE("\""), CASE("\\"), CASE("["),
	CASE("{"), CASE("[["), CASE("[{"), CASE("{\"a\":["), CASE("[1"),
	CASE("[1,"), CASE("[\"a"), CASE("[\"a\""), CASE("{\"a"),
	CASE("{\"a\""), CASE("{\"a\":"), CASE("{\"a\":1"), CASE("{\"a\":1,"),
	/* containers */
	CASE("[,]"), CASE("[1,]"), CASE("[,1]"), CASE("[1,,2]"), CASE("[1 2]"),
	CASE("[1:2]"), CASE("[1}"), CASE("{\"a\":1]"), CASE("{]"), CASE("[}"),
	CASE("{,}"), CASE("{\"a\":1,}"), CASE("{,\"a\":1}"),
	CASE("{\"a\":1,,\"b\":2}"), CASE("{\"a\" 1}"), CASE("{\"a\",1}"),
	CASE("{\"a\"}"), CASE("{\"a\":}"), CASE("{:1}"), CASE("{1:1}"),
	CASE("{a:1}"), CASE("{'a':1}"), CASE("{null:1}"), CASE("{[]:1}"),
	CASE("{\"a\":1 \"b\":2}"), CASE("{\"a\"::1}"), CASE("{\"a\":1:2}"),
	CASE("[[],[}"), CASE("[{]}"), CASE("{\"a\":[}]"),
	/* comments and other things that some parsers take */
	CASE("[1]//"), CASE("/**/1"), CASE("[1/**/]"), CASE("#\n1"),
	CASE("'a'"), CASE("NaN"), CASE("Infinity"), CASE("-Infinity"),
	CASE("undefined"), CASE("True"), CASE("NULL"), CASE("(1)"),
	/* words */
	CASE("n"), CASE("nul"), CASE("nulll"), CASE("nulL"), CASE("t"),
	CASE("tru"), CASE("truee"), CASE("fals"), CASE("falsf"), CASE("falsey"),
	CASE("[nul]"), CASE("[fals]"), CASE("[true false]"), CASE("truenull"),
	/* numbers */
	CASE("-"), CASE("+1"), CASE("01"), CASE("-01"), CASE("00"),
	CASE("[012]"), CASE("1."), CASE(".1"), CASE("-.1"), CASE("1.e5"),
	CASE("[1.]"), CASE("1e"), CASE("1e+"), CASE("1e-"), CASE("1ee5"),
	CASE("1e5.5"), CASE("1.5.5"), CASE("--1"), CASE("-+1"), CASE("- 1"),
	CASE("0x10"), CASE("1a"), CASE("1_000"), CASE("1 000"), CASE("0e"),
	CASE("[-]"), CASE("[1e]"), CASE("\xef\xbc\x91"), CASE("1\0"),
	CASE("-a"), CASE("1.a"), CASE("0.e1"), CASE("1e1.0"), CASE("$1"),
	/* strings */
	CASE("\"a"), CASE("a\""), CASE("\"\n\""), CASE("\"\t\""),
	CASE("\"\r\""), CASE("\"\0\""), CASE("\"\x01\""), CASE("\"\x1f\""),
	CASE("\"\\\""), CASE("\"\\a\""), CASE("\"\\'\""), CASE("\"\\x41\""),
	CASE("\"\\0\""), CASE("\"\\ \""), CASE("\"\\\n\""), CASE("\"\\U0041\""),
	CASE("\"\\u\""), CASE("\"\\u1\""), CASE("\"\\u12\""),
	CASE("\"\\u123\""), CASE("\"\\u123g\""), CASE("\"\\u12 4\""),
	CASE("\"\\u-123\""), CASE("\"\\u00"), CASE("\"\\"), CASE("\"\\u1234"),
	CASE("\"\\\xc3\xa9\""), CASE("{\"\\x\":1}"), CASE("{\"\n\":1}"),
	/* halves of pairs */
	CASE("\"\\ud800\""), CASE("\"\\udc00\""), CASE("\"\\udbff\""),
	CASE("\"\\udfff\""), CASE("\"\\ud800a\""), CASE("\"\\ud800\\n\""),
	CASE("\"\\ud800\\u0041\""), CASE("\"\\ud800\\ud800\""),
	CASE("\"\\ud800\\ue000\""), CASE("\"\\udc00\\ud800\""),
	CASE("\"\\ud800\\udc0\""), CASE("\"\\ud800\\udc0g\""),
	CASE("\"\\ud800\\\""), CASE("\"\\ud800\\u"), CASE("\"\\ud800\\udc00"),
	CASE("\"\\ud83d\\ude00\\ude00\""), CASE("\"\\ud800udc00\""),
	/* bytes that are no UTF-8, inside strings and outside */
	CASE("\"\x80\""), CASE("\"\xbf\""), CASE("\"\xc0\x80\""),
	CASE("\"\xc1\xbf\""), CASE("\"\xc2\""), CASE("\"\xc2\x41\""),
	CASE("\"\xc2\xc2\x80\""), CASE("\"\xe0\x80\x80\""),
	CASE("\"\xe0\x9f\xbf\""), CASE("\"\xe2\x82\""), CASE("\"\xe2\x41\x80\""),
	CASE("\"\xed\xa0\x80\""), CASE("\"\xed\xbf\xbf\""),
	CASE("\"\xf0\x80\x80\x80\""), CASE("\"\xf0\x8f\xbf\xbf\""),
	CASE("\"\xf0\x9f\x98\""), CASE("\"\xf4\x90\x80\x80\""),
	CASE("\"\xf5\x80\x80\x80\""), CASE("\"\xf8\x88\x80\x80\x80\""),
	CASE("\"\xfe\""), CASE("\"\xff\""), CASE("\xff"), CASE("\xc3\xa9"),
	CASE("[\x80]"), CASE("\"\xe9\""), CASE("\"\xc3\xa9"), CASE("\"\xe2\x82"),
	/* white space that JSON does not know; byte order marks */
	CASE("\xef\xbb\xbf{}"), CASE("\xef\xbb\xbf"), CASE("\xfe\xff"),
	CASE("\xff\xfe{\0}\0"), CASE("\v1"), CASE("\f1"), CASE("1\v"),
	CASE("\0"), CASE("[]\0"), CASE("\0[]"), CASE("[\0]"),
	CASE("[\xc2\xa0]"), CASE("[\xe2\x80\xa8]"), CASE("[\x7f]"),
	CASE("\x1b[0m"), CASE("[1\f]"), CASE("{\"a\"\0:1}"),
};

#endif
