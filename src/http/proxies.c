/* A list of networks, and the way from the end of X-Forwarded-For to the first address outside. */
#include "http/proxies.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96 /* of an IPv6 address before the IPv4 address in it */

struct network {
    unsigned char address[16];
    int bits;
};

struct proxies {
    struct network *at;
    size_t n;
};

/* IPv4 becomes the IPv6 address it is mapped to; *first says how many bits come before it. */
static bool address_parse(str text, unsigned char out[16], int *first)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char buffer[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(buffer))
        return false;
    memcpy(buffer, text.at, text.len);
    buffer[text.len] = '\0';
    *first = 0;
    if (inet_pton(AF_INET6, buffer, out) == 1)
        return true;
    memcpy(out, mapped, sizeof(mapped));
    *first = MAPPED_BITS;
    return inet_pton(AF_INET, buffer, out + sizeof(mapped)) == 1;
}

static bool network_parse(str text, struct network *out)
{
    int first;
    int64_t bits;
    str rest = text, address = str_cut(&rest, '/');
    if (!address_parse(address, out->address, &first))
        return false;
    if (!rest.at)
        bits = 128 - first;
    else if (!str_i64(rest, &bits) || bits < 0 || bits > 128 - first)
        return false;
    out->bits = first + (int)bits;
    return true;
}

err proxies_new(struct arena *mem, str list, struct proxies **out)
{
    struct proxies *proxies = *out = NEW(mem, struct proxies);
    size_t most = 1;
    for (size_t i = 0; i < list.len; i++)
        most += list.at[i] == ',';
    if (!proxies || !(proxies->at = arena_array(mem, most, sizeof(*proxies->at))))
        return &err_no_memory;
    while (list.at) {
        str text = str_trim(str_cut(&list, ','));
        if (text.len && !network_parse(text, &proxies->at[proxies->n++]))
            return err_new(mem,
                           500,
                           "bad_proxy",
                           "TRUSTED_PROXIES: \"%.*s\" is not an address or a network such as "
                           "10.0.0.0/8",
                           STR_ARGS(text));
    }
    return NULL;
}

static bool network_has(const struct network *network, const unsigned char address[16])
{
    size_t bytes = (size_t)network->bits / 8, bits = (size_t)network->bits % 8;
    return memcmp(network->address, address, bytes) == 0 &&
           (bits == 0 || ((network->address[bytes] ^ address[bytes]) >> (8 - bits)) == 0);
}

/* False also for what is no address. */
static bool trusted(const struct proxies *proxies, str text)
{
    unsigned char address[16];
    int first;
    if (!address_parse(text, address, &first))
        return false;
    for (size_t i = 0; i < proxies->n; i++) {
        if (network_has(&proxies->at[i], address))
            return true;
    }
    return false;
}

/* "[::1]:80" and "1.2.3.4:80" too, as some proxies write. */
static str without_port(str text)
{
    ptrdiff_t end = str_find(text, ']'), colon = str_find(text, ':');
    if (str_starts(text, STR("[")) && end > 0)
        return str_sub(text, 1, (size_t)end - 1);
    bool one = colon >= 0 && str_find(str_sub(text, (size_t)colon + 1, text.len), ':') < 0;
    return one ? str_sub(text, 0, (size_t)colon) : text;
}

static str last_cut(str *list)
{
    size_t at = list->len;
    while (at > 0 && list->at[at - 1] != ',')
        at--;
    str last = str_sub(*list, at, list->len);
    *list = at > 0 ? str_sub(*list, 0, at - 1) : (str){0};
    return str_trim(last);
}

str proxies_client(const struct proxies *proxies, str peer, str forwarded)
{
    unsigned char ignored[16];
    int first;
    str client = peer;
    while (forwarded.at && trusted(proxies, client)) {
        str before = without_port(last_cut(&forwarded));
        if (!address_parse(before, ignored, &first))
            break;
        client = before;
    }
    return client;
}
