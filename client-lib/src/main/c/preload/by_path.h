/* The way of a call that takes a path: known by its spelling, else passed on, and looked for once
 * more where the kernel says ENOENT. */

#ifndef RBDW_BY_PATH_H
#define RBDW_BY_PATH_H

#include "hook.h"
#include "image_path.h"

/* The whole body of a hook that returns a number. path: the variable in the expression passed_on.
 * on_image: an expression on `target`, a count or a negative errno. */
#define BY_PATH(call, directory, path, follow, passed_on, on_image)                                \
    struct image_path target;                                                                      \
    if (path_is_image_at(directory, path, follow, &target)) {                                      \
        report_count(CALL_##call);                                                                 \
        return (__typeof(passed_on)) as_result(on_image);                                          \
    }                                                                                              \
    __typeof(passed_on) result_of_kernel = passed_on;                                              \
    if (result_of_kernel < 0 && errno == ENOENT                                                    \
        && path_leads_to_image(directory, path, follow, &target)) {                                \
        if (target.kind == PATH_HOST) {                                                            \
            path = target.path;                                                                    \
            return passed_on;                                                                      \
        }                                                                                          \
        report_count(CALL_##call);                                                                 \
        return (__typeof(passed_on)) as_result(on_image);                                          \
    }                                                                                              \
    return result_of_kernel

#endif
