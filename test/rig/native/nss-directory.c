/*
 * A source of names for nsswitch.conf, such as a directory service has: `passwd: directory` asks libnss_directory.so.2.
 * It knows the user and group "from-directory" (4294900000, 4200), groups whose members fill N bytes ("members-9000"),
 * and "broken", which it cannot look up.
 */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define PREFIX "members-"

static char nothing[] = "";
static char *nobody[] = {NULL};

EXPORT enum nss_status _nss_directory_getpwnam_r(const char *, struct passwd *, char *, size_t, int *);
EXPORT enum nss_status _nss_directory_getgrnam_r(const char *, struct group *, char *, size_t, int *);

static enum nss_status status_of(const char *name, int *error)
{
    if (strcmp(name, "broken") != 0) return NSS_STATUS_NOTFOUND;
    *error = EIO;
    return NSS_STATUS_UNAVAIL;
}

enum nss_status _nss_directory_getpwnam_r(const char *name, struct passwd *user, char *room, size_t size, int *error)
{
    (void)room, (void)size;
    if (strcmp(name, "from-directory") != 0) return status_of(name, error);
    *user = (struct passwd){nothing, nothing, 4294900000u, 4200, nothing, nothing, nothing};
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_directory_getgrnam_r(const char *name, struct group *group, char *room, size_t size, int *error)
{
    size_t needed = strncmp(name, PREFIX, strlen(PREFIX)) == 0 ? strtoul(name + strlen(PREFIX), NULL, 10) : 0;
    if (needed == 0 && strcmp(name, "from-directory") != 0) return status_of(name, error);
    if (size < needed) {
        *error = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    memset(room, 'm', needed);
    *group = (struct group){nothing, nothing, 4200, nobody};
    return NSS_STATUS_SUCCESS;
}
