/* The routes of accounts, sessions and tokens. */
#include "accounts/account.h"
#include "accounts/sessions.h"

const struct route accounts_routes[] = {
    {
        .method = "POST",
        .path = "/auth/users/register",
        .run = account_register,
        .right = RIGHT_ANYONE,
        .body = BODY_JSON,
        .pool = POOL_PASSWORD,
        .input = registration_fields,
        .output = account_fields,
        .status = 201,
        .help = "Makes an account with its personal team",
    },
    {
        .method = "GET",
        .path = "/auth/users/me",
        .run = account_me,
        .right = RIGHT_MEMBER,
        .output = account_fields,
        .status = 200,
        .help = "The account that asks",
    },
    {
        .method = "POST",
        .path = "/auth/users/me/password",
        .run = password_change,
        .right = RIGHT_MEMBER,
        .body = BODY_JSON,
        .pool = POOL_PASSWORD,
        .input = password_change_fields,
        .output = tokens_fields,
        .status = 200,
        .help = "Changes the password: ends all sessions, and answers the tokens of a new one",
    },
    {
        .method = "POST",
        .path = "/auth/tokens/obtain",
        .run = session_obtain,
        .right = RIGHT_ANYONE,
        .body = BODY_JSON,
        .pool = POOL_PASSWORD,
        .input = credentials_fields,
        .output = tokens_fields,
        .status = 200,
        .help = "Signs in: starts a session",
    },
    {
        .method = "POST",
        .path = "/auth/tokens/refresh",
        .run = session_refresh,
        .right = RIGHT_ANYONE,
        .body = BODY_JSON,
        .input = refresh_fields,
        .output = tokens_fields,
        .status = 200,
        .help = "The next pair of tokens; a refresh token that was used before ends the session",
    },
    {
        .method = "POST",
        .path = "/auth/tokens/blacklist",
        .run = session_blacklist,
        .right = RIGHT_ANYONE,
        .body = BODY_JSON,
        .input = refresh_fields,
        .status = 205,
        .help = "Signs out: ends the session, its access tokens and its streams at once",
    },
};

const size_t accounts_route_count = LENGTH(accounts_routes);
