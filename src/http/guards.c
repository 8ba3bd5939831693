/* The same headers for every answer; a page may have its own scripts, style and images and talk to
 * its own server, and nothing else. */
#include "http/guards.h"

#include <string.h>

#include "http/exchange.h"

#define POLICY "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
#define PAGE_POLICY                                                                          \
    POLICY "; form-action 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
           "img-src 'self' data:"
#define YEAR "31536000"

size_t guards_fill(struct header *out, const char *content_type, bool tls)
{
    size_t n = 0;
    bool page = content_type && strncmp(content_type, "text/html", 9) == 0;
    out[n++] = (struct header){STR("X-Content-Type-Options"), STR("nosniff")};
    out[n++] = (struct header){STR("Referrer-Policy"), STR("no-referrer")};
    out[n++] = (struct header){STR("Content-Security-Policy"),
                               page ? STR(PAGE_POLICY) : STR(POLICY "; sandbox")};
    if (page)
        out[n++] = (struct header){STR("Cross-Origin-Opener-Policy"), STR("same-origin")};
    if (tls)
        out[n++] = (struct header){STR("Strict-Transport-Security"),
                                   STR("max-age=" YEAR "; includeSubDomains")};
    return n;
}
