/* Content negotiation: ranges and weights of Accept and Accept-Encoding (RFC 9110 12.4 and 12.5).
 */
#include "http/accept.h"

/* Cuts at `sep`, but not within quotes (RFC 9110 5.6.4). */
static str piece_cut(str *rest, char sep)
{
    bool quoted = false;
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && c == sep) {
            str piece = str_sub(*rest, 0, i);
            *rest = str_sub(*rest, i + 1, rest->len);
            return str_trim(piece);
        }
    }
    str last = *rest;
    *rest = (str){0};
    return str_trim(last);
}

/* 0 to 1000, or -1: "0", "1", either with up to three decimals (RFC 9110 12.4.2). */
static int weight_parse(str s)
{
    if (s.len < 1 || s.len > 5 || (s.at[0] != '0' && s.at[0] != '1') ||
        (s.len > 1 && s.at[1] != '.'))
        return -1;
    int weight = (s.at[0] - '0') * 1000;
    for (size_t i = 2, unit = 100; i < s.len; i++, unit /= 10) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return -1;
        weight += (s.at[i] - '0') * (int)unit;
    }
    return weight <= 1000 ? weight : -1;
}

/* One item of a list: what it names, its parameters but for q, and its weight. */
struct range {
    str name, params;
    int weight;
};

/* False: malformed, to be passed over. What follows q= is not of the media type. */
static bool range_parse(str item, struct range *range)
{
    *range = (struct range){.name = piece_cut(&item, ';'), .params = item, .weight = 1000};
    while (item.at) {
        size_t before = range->params.len - item.len;
        str value = piece_cut(&item, ';'), key = str_cut(&value, '=');
        if (!str_eq_nocase(key, STR("q")))
            continue;
        range->params = str_sub(range->params, 0, before);
        range->weight = value.at ? weight_parse(value) : -1;
        break;
    }
    return range->name.len > 0 && range->weight >= 0;
}

static bool param_has(str params, str key, str value)
{
    while (params.at) {
        str its_value = piece_cut(&params, ';'), its_key = str_cut(&its_value, '=');
        if (str_eq_nocase(its_key, key) && its_value.at && str_eq_nocase(its_value, value))
            return true;
    }
    return false;
}

/* How many parameters of the range the offer has; -1: not all. A charset says nothing here: all
 * texts are UTF-8. */
static int params_match(str asked, str offered)
{
    int n = 0;
    while (asked.at) {
        str value = piece_cut(&asked, ';'), key = str_cut(&value, '=');
        if (key.len == 0 || str_eq_nocase(key, STR("charset")))
            continue;
        if (!value.at || !param_has(offered, key, value))
            return -1;
        n++;
    }
    return n;
}

/* How closely the range fits the offer, more for the more specific; -1: not at all. */
static int range_match(const struct range *range, str offer)
{
    str params = offer, name = piece_cut(&params, ';'), kind = name, subkind = range->name;
    str type = str_cut(&kind, '/'), asked = str_cut(&subkind, '/');
    bool any = str_eq(asked, STR("*"));
    if (!subkind.at || (any && !str_eq(subkind, STR("*"))))
        return -1;
    if (any)
        return 0;
    if (!str_eq_nocase(asked, type))
        return -1;
    if (str_eq(subkind, STR("*")))
        return 1;
    int matched = str_eq_nocase(subkind, kind) ? params_match(range->params, params) : -1;
    return matched < 0 ? -1 : 2 + matched;
}

/* The weight that the most specific range gives the offer, 0 when none fits; *any says that the
 * header had a range. */
static int offer_weight(str header, str offer, bool *any)
{
    int best_match = -1, weight = 0;
    while (header.at) {
        struct range range;
        if (!range_parse(piece_cut(&header, ','), &range))
            continue;
        *any = true;
        int match = range_match(&range, offer);
        if (match > best_match) {
            best_match = match;
            weight = range.weight;
        }
    }
    return weight;
}

int accept_best(str header, const char *const *offers)
{
    int best = -1, best_weight = 0;
    bool any = false;
    for (int i = 0; offers[i]; i++) {
        int weight = offer_weight(header, str_of(offers[i]), &any);
        if (weight > best_weight) {
            best = i;
            best_weight = weight;
        }
    }
    return any || !offers[0] ? best : 0;
}

bool accept_gzip(str header)
{
    int gzip = -1, identity = -1, any = -1;
    while (header.at) {
        struct range range;
        if (!range_parse(piece_cut(&header, ','), &range))
            continue;
        if (str_eq_nocase(range.name, STR("gzip")) || str_eq_nocase(range.name, STR("x-gzip")))
            gzip = range.weight;
        else if (str_eq_nocase(range.name, STR("identity")))
            identity = range.weight;
        else if (str_eq(range.name, STR("*")))
            any = range.weight;
    }
    gzip = gzip < 0 ? any : gzip;
    identity = identity < 0 ? any : identity;
    return gzip > 0 && gzip >= identity;
}
