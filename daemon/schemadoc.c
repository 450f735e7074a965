/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what the schema table says for those who read and type configurations: the man page, the syntax of two editors, the words of a
 * shell completion. The build runs it; nothing of it is installed. It must not know a keyword: all of them are in lib/config.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "config/schema.h"

/* ---- man page ---------------------------------------------------------------------------------------------------- */

/* Text of a man page: no line begins a request, no '-' becomes another sign. */
static void roff(const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", stdout);
    for (; *s; s++) {
        if (*s == '\\')
            fputs("\\e", stdout);
        else if (*s == '-')
            fputs("\\-", stdout);
        else if (*s == '"')
            fputs("\\(dq", stdout);
        else
            putchar(*s);
    }
}

static void man_head(void)
{
    fputs(
        ".\\\" SPDX-License-Identifier: BSD-2-Clause\n"
        ".TH TANDEM.CONF 5 \"\" \"Tandem\" \"File Formats\"\n"
        ".SH NAME\n"
        "tandem.conf \\- configuration of tandemd\n"
        ".SH SYNOPSIS\n"
        ".I /etc/tandem/tandem.conf\n"
        ".SH DESCRIPTION\n"
        "A keyword in the first column opens a section, most of them with a name; indented lines belong to it, each a\n"
        "keyword and its values. One statement a line; no braces, no semicolons. A # at the start of a line or after a blank\n"
        "begins a comment. Quotes stand only around a value with blanks; there is no escape. Units are part of the value:\n"
        "30s, 800calls, 40cps, 20%. Sections may come in any order and in any file.\n"
        ".PP\n"
        "Prefixes: the longest match decides, order does not matter. Rules, match lines and lines of one prefix that are told\n"
        "apart by conditions: the first that fits decides, from the top down.\n"
        ".PP\n"
        ".B tandemctl check\n"
        "reads all files and says everything that is wrong with file, line and column;\n"
        ".B tandemctl explain\n"
        "says where a call would go and why;\n"
        ".B tandemctl diff\n"
        "what a reload would change;\n"
        ".B tandemctl fmt\n"
        "writes the canonical layout. A configuration with an error neither starts the switch nor replaces the running one.\n"
        ".PP\n"
        "This page lists every section and keyword that this version knows. Defaults, reasons and examples are in\n"
        ".IR tandem.conf.md .\n"
        ".SH SECTIONS\n",
        stdout);
}

static void man_tail(void)
{
    fputs(".SH FILES\n"
          ".TP\n"
          ".I /etc/tandem/tandem.conf\n"
          "The file that is read where none is named; it includes others.\n"
          ".SH SEE ALSO\n"
          ".BR tandemctl (1),\n"
          ".BR tandemd (8),\n"
          ".BR tandem\\-media (8)\n",
          stdout);
}

static void man_entry(const char *syntax, const char *help)
{
    fputs(".TP\n.B ", stdout);
    roff(syntax);
    putchar('\n');
    roff(help);
    putchar('\n');
}

static void man_section(const struct section *s)
{
    uint32_t i;

    fputs(".SS ", stdout);
    roff(s->word);
    putchar('\n');
    man_entry(s->syntax, s->help);
    if (s->line_kw)
        man_entry(s->line_kw->syntax, s->line_kw->help);
    for (i = 0; i < s->n_kw; i++)
        man_entry(s->kw[i].syntax, s->kw[i].help);
    if (s != &section_route)
        return;
    fputs(".PP\nA line of a route is made of these clauses:\n", stdout);
    for (i = 0; schema_clause(i); i++)
        man_entry(schema_clause(i)->syntax, schema_clause(i)->help);
}

static void man(void)
{
    uint32_t i;

    man_head();
    for (i = 0; parse_sections[i]; i++)
        man_section(parse_sections[i]);
    man_tail();
}

/* ---- editors ----------------------------------------------------------------------------------------------------- */

/* The keywords of a section as alternatives of a pattern; `blanks` stands between two words of one. */
static void alternatives(const struct section *s, const char * or, const char *blanks)
{
    uint32_t i;

    for (i = 0; i < s->n_kw; i++)
        printf("%s%s%s%s", i ? or : "", s->kw[i].word, s->kw[i].sub ? blanks : "",
               s->kw[i].sub ? s->kw[i].sub : "");
}

static void vim_section(const struct section *s)
{
    printf("syn region tandem_%s matchgroup=tandemSection start=/^%s\\>/ end=/^\\ze\\S/ "
           "contains=tandemName,tandemUnknown_%s,tandemKey_%s,@tandemValue\n",
           s->word, s->word, s->word, s->word);
    if (s->n_kw == 0) {
        printf("syn match tandemKey_%s contained /^\\s\\+\\zs[^ \\t#]\\+/\n", s->word);
    } else {
        printf("syn match tandemUnknown_%s contained /^\\s\\+\\zs[^ \\t#]\\+/\n", s->word);
        printf("syn match tandemKey_%s contained /^\\s\\+\\zs\\%%(", s->word);
        alternatives(s, "\\|", "\\s\\+");
        fputs("\\)\\ze\\%(\\s\\|$\\)/\n", stdout);
        printf("hi def link tandemUnknown_%s Error\n", s->word);
    }
    printf("hi def link tandemKey_%s Keyword\n", s->word);
}

static void vim(void)
{
    uint32_t i;

    fputs(
        "\" SPDX-License-Identifier: BSD-2-Clause\n"
        "\" Vim syntax of tandem.conf: a word that no section knows is an error.\n"
        "if exists('b:current_syntax')\n"
        "  finish\n"
        "endif\n"
        "syn case match\n"
        "syn sync fromstart\n"
        "syn match tandemUnknownSection /^[^ \\t#]\\S*/\n"
        "syn match tandemComment /\\%(^\\|\\s\\)\\zs#.*$/\n"
        "syn region tandemText start=/\"/ end=/\"/ oneline contained\n"
        "syn match tandemUnit "
        "/\\<\\d\\+\\%(\\.\\d\\+\\)\\?\\%(ms\\|s\\|m\\|h\\|d\\|calls\\|cps\\|bytes\\|KB\\|MB\\|GB\\|%\\)\\ze\\%(\\s\\|$\\)/ contained\n"
        "syn match tandemArrow /->/ contained\n"
        "syn match tandemSecret /\\<\\%(file:\\|cred:\\)\\S\\+/ contained\n"
        "syn match tandemCopy /{[^} ]*}/ contained\n"
        "syn cluster tandemValue "
        "contains=tandemComment,tandemText,tandemUnit,tandemArrow,tandemSecret,tandemCopy\n",
        stdout);
    for (i = 0; parse_sections[i]; i++)
        vim_section(parse_sections[i]);
    fputs("hi def link tandemUnknownSection Error\n"
          "hi def link tandemSection Structure\n"
          "hi def link tandemComment Comment\n"
          "hi def link tandemText String\n"
          "hi def link tandemUnit Number\n"
          "hi def link tandemArrow Operator\n"
          "hi def link tandemSecret Special\n"
          "hi def link tandemCopy Identifier\n"
          "let b:current_syntax = 'tandem'\n",
          stdout);
}

static void vscode_section(const struct section *s)
{
    printf(
        ",\n    {\"begin\": \"^(%s)\\\\b(?:\\\\s+([^\\\\s#]+))?\", \"end\": \"^(?=[^\\\\s#])\",\n"
        "     \"beginCaptures\": {\"1\": {\"name\": \"keyword.control.section.tandem\"}, "
        "\"2\": {\"name\": \"entity.name.section.tandem\"}},\n"
        "     \"patterns\": [",
        s->word);
    if (s->n_kw) {
        fputs("{\"match\": \"^\\\\s+(", stdout);
        alternatives(s, "|", "\\\\s+");
        fputs(")(?=\\\\s|$)\", \"captures\": {\"1\": {\"name\": \"keyword.other.tandem\"}}},\n"
              "                  {\"match\": \"^\\\\s+([^\\\\s#]+)\", \"captures\": "
              "{\"1\": {\"name\": \"invalid.illegal.tandem\"}}},\n                  ",
              stdout);
    } else {
        fputs("{\"match\": \"^\\\\s+([^\\\\s#]+)\", \"captures\": "
              "{\"1\": {\"name\": \"keyword.other.tandem\"}}},\n                  ",
              stdout);
    }
    fputs("{\"include\": \"#value\"}]}", stdout);
}

static void vscode(void)
{
    uint32_t i;

    fputs("{\n  \"name\": \"Tandem\", \"scopeName\": \"source.tandem\",\n  \"patterns\": [\n"
          "    {\"include\": \"#comment\"}",
          stdout);
    for (i = 0; parse_sections[i]; i++)
        vscode_section(parse_sections[i]);
    fputs(
        ",\n    {\"match\": \"^[^\\\\s#]\\\\S*\", \"name\": \"invalid.illegal.tandem\"}\n  ],\n"
        "  \"repository\": {\n"
        "    \"comment\": {\"match\": \"(^|\\\\s)#.*$\", \"name\": \"comment.line.number-sign.tandem\"},\n"
        "    \"value\": {\"patterns\": [\n"
        "      {\"include\": \"#comment\"},\n"
        "      {\"match\": \"\\\"[^\\\"]*\\\"\", \"name\": \"string.quoted.double.tandem\"},\n"
        "      {\"match\": \"\\\\{[^}\\\\s]*\\\\}\", \"name\": \"variable.other.tandem\"},\n"
        "      {\"match\": \"->\", \"name\": \"keyword.operator.tandem\"},\n"
        "      {\"match\": \"(?<=\\\\s)[0-9]+(\\\\.[0-9]+)?(ms|s|m|h|d|calls|cps|bytes|KB|MB|GB|%)?(?=\\\\s|$)\", "
        "\"name\": \"constant.numeric.tandem\"}\n"
        "    ]}\n  }\n}\n",
        stdout);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*fn)(void);
    } table[] = {{"man", man}, {"vim", vim}, {"vscode", vscode}};
    size_t i;

    for (i = 0; argc == 2 && i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(argv[1], table[i].word) == 0) {
            table[i].fn();
            return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
        }
    fputs("usage: schemadoc man|vim|vscode\n", stderr);
    return 2;
}
