/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libsmmap for C++17: classes that own the C objects. Header-only; link the C library.
 *
 *     smmap::manager manager;
 *     smmap::cursor cursor(manager, "file");
 *     std::string_view text = cursor.require(0, 100);
 *
 * The functions are those of manager.h, cursor.h and buffer.h, without the prefix. What is said
 * there of windows, limits, threads, forks and the guard holds here, too. get() is the C object.
 *
 * Errors are exceptions of class smmap::error: a constructor has no other way to fail, and nobody
 * can use the bytes of a move and forget its status. Where a failure is an answer, it is returned:
 * see read() and slice(). Accessors and destructors do not throw; the rest also std::bad_alloc.
 *
 * Lifetime: there is no APR pool. Manager, cursors and buffers may be destroyed in any order, by
 * any thread. An object that was moved from may only be destroyed or assigned to.
 * Threads: a manager is used by any number of threads, any other object by one at a time.
 */
#ifndef SMMAP_HPP
#define SMMAP_HPP

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "smmap/smmap.h"

namespace smmap {

/** The category of a status: its messages are those of smmap_strerror(). A status of the system
    equals the std::errc that means the same: `code == std::errc::no_such_file_or_directory`. */
inline const std::error_category &category() noexcept
{
    struct status_category final : std::error_category {
        const char *name() const noexcept override { return "smmap"; }
        std::string message(int status) const override
        {
            char text[512];
            return smmap_strerror(status, text, sizeof text);
        }
        std::error_condition default_error_condition(int status) const noexcept override
        {
            if (status < APR_OS_START_ERROR) /* of errno */
                return std::generic_category().default_error_condition(status);
            if (status >= APR_OS_START_SYSERR) /* of Windows */
                return std::system_category().default_error_condition(APR_TO_OS_ERROR(status));
            return {status, *this};
        }
    };
    static const status_category instance;
    return instance;
}

/** A function of the library failed. what() is "PATH: TEXT", TEXT that of smmap_strerror(). */
class error : public std::system_error {
public:
    /** `path` nullptr: it is about no file, or about one that was opened by handle. */
    error(apr_status_t status, const char *path)
        : std::system_error(path != nullptr ? std::system_error(status, category(), path)
                                            : std::system_error(status, category())),
          path_(path != nullptr ? path : "") {}
    apr_status_t status() const noexcept { return code().value(); }
    /** The file, or "". Valid as long as the exception. */
    const char *path() const noexcept { return path_.what(); }
private:
    std::runtime_error path_; /* a string whose copies do not throw */
};

namespace detail {
inline const char *path_of(const char *path) { return path; }
inline const char *path_of(std::nullptr_t) { return nullptr; }
inline const char *path_of(const smmap_manager_t *) { return nullptr; }
inline const char *path_of(const smmap_cursor_t *cursor) { return smmap_cursor_path(cursor); }
inline const char *path_of(smmap_buffer_t *on) { return path_of(smmap_buffer_cursor(on)); }
/* `about`: what the call was about; only an error needs its path. */
template <class About> void check(apr_status_t status, About about)
{
    if (status != APR_SUCCESS)
        throw error(status, path_of(about));
}
/* What a constructor of C's makes, and below what a function says in its last argument. */
template <class Object, class... Parameters, class About, class... Arguments>
Object *made(About about, apr_status_t create(Object **, Parameters...), Arguments... arguments)
{
    Object *object = nullptr;
    check(create(&object, arguments..., nullptr), about);
    return object;
}
template <class Value = apr_size_t, class Function, class Object, class... Arguments>
Value result(Function function, Object object, Arguments... arguments)
{
    Value value{};
    check(function(object, arguments..., &value), object);
    return value;
}
struct closer {
    void operator()(smmap_manager_t *manager) const noexcept { smmap_manager_destroy(manager); }
    void operator()(smmap_buffer_t *buffer) const noexcept { smmap_buffer_close(buffer); }
};
} /* namespace detail */

/** Bytes of a window: a pointer and a size, valid as long as the cursor stays where it is.
    Converts to std::string_view and, in C++20, to std::span<const unsigned char>. */
class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr bytes(const unsigned char *data, std::size_t n) noexcept : data_(data), size_(n) {}
    constexpr const unsigned char *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const unsigned char *begin() const noexcept { return data_; }
    constexpr const unsigned char *end() const noexcept { return data_ + size_; }
    constexpr unsigned char operator[](std::size_t index) const noexcept { return data_[index]; }
    operator std::string_view() const noexcept
    {
        return {reinterpret_cast<const char *>(data_), size_};
    }
private:
    const unsigned char *data_ = nullptr;
    std::size_t size_ = 0;
};

/** smmap_options_t with all defaults: change the fields that you need. */
struct options : smmap_options_t {
    options() noexcept : smmap_options_t SMMAP_OPTIONS_INIT {}
};

/** Limits, statistics and the files. Threads: any, but not while it is moved or closed. */
class manager {
public:
    explicit manager(const smmap_options_t &with = options())
        : manager_(detail::made(nullptr, smmap_manager_create, &with)) {}
    /** Destroy it now, as the destructor does, and throw the system's error of unmapping. */
    void close() { detail::check(smmap_manager_destroy(manager_.release()), nullptr); }
    /** Unmap all windows that no cursor pins; returns their number. */
    std::size_t collect() { return detail::result(smmap_manager_collect, get()); }
    /** Unmap that many bytes at least, if so many are not pinned; returns how many it were. */
    std::size_t collect_bytes(std::size_t wanted)
    {
        return detail::result(smmap_manager_collect_bytes, get(), wanted);
    }
    /** Read ahead; false if the time that `wait` says is over, and the reading goes on. */
    bool fetch(const smmap_range_t *ranges, std::size_t count, apr_interval_time_t wait = 0,
               smmap_fetched_t *done = nullptr, void *context = nullptr)
    {
        const apr_status_t status =
            smmap_manager_fetch(get(), ranges, count, wait, done, context);
        detail::check(status == SMMAP_EWOULDBLOCK ? APR_SUCCESS : status, nullptr);
        return status == APR_SUCCESS;
    }
    /** `limits` and the three `max_...` of `to` hold from now on. */
    void set_limits(const smmap_options_t &to)
    {
        detail::check(smmap_manager_set_limits(get(), &to), get());
    }
    /** Drop a file, or all below a directory; returns how many of their windows are pinned. */
    std::size_t drop(const std::string &path)
    {
        apr_size_t count = 0;
        detail::check(smmap_manager_drop(get(), path.c_str(), &count), path.c_str());
        return count;
    }
    void reinstall_guard() { detail::check(smmap_manager_reinstall_guard(get()), get()); }
    /** Call `visit(const smmap_pinned_t &)` for each pinned window, until it throws. */
    template <class Visitor> void pinned(Visitor &&visit) const
    {
        std::exception_ptr failure; /* none may pass the C library */
        auto call = [&](const smmap_pinned_t &one) noexcept {
            try {
                if (!failure)
                    visit(one);
            } catch (...) {
                failure = std::current_exception();
            }
        };
        const auto forward = [](void *to, const smmap_pinned_t *one) {
            (*static_cast<decltype(call) *>(to))(*one);
        };
        detail::check(smmap_manager_pinned(get(), forward, &call), get());
        if (failure)
            std::rethrow_exception(failure);
    }
    [[nodiscard]] smmap_stats_t stats() const
    {
        smmap_stats_t now = SMMAP_STATS_INIT;
        detail::check(smmap_manager_stats(get(), &now), get());
        return now;
    }
    smmap_mode_t mode() const noexcept { return smmap_manager_mode(get()); }
    smmap_limits_t limits() const noexcept { return smmap_manager_limits(get()); }
    smmap_guard_t guard() const noexcept { return smmap_manager_guard(get()); }
    std::size_t window_size() const noexcept { return smmap_manager_window_size(get()); }
    std::size_t max_mapped_bytes() const noexcept { return smmap_manager_max_mapped_bytes(get()); }
    std::size_t max_regions() const noexcept { return smmap_manager_max_regions(get()); }
    std::size_t max_open_files() const noexcept { return smmap_manager_max_open_files(get()); }
    std::size_t mapped_bytes() const noexcept { return smmap_manager_mapped_bytes(get()); }
    std::size_t regions() const noexcept { return smmap_manager_regions(get()); }
    std::size_t open_files() const noexcept { return smmap_manager_open_files(get()); }
    smmap_manager_t *get() const noexcept { return manager_.get(); }
private:
    std::unique_ptr<smmap_manager_t, detail::closer> manager_;
};

/** A cursor that something else closes: what functions take, and what a buffer shows. */
class cursor_ref {
public:
    explicit cursor_ref(smmap_cursor_t *cursor) noexcept : cursor_(cursor) {}
    cursor_ref(const cursor_ref &) noexcept = default;
    cursor_ref &operator=(const cursor_ref &) = delete; /* see assign() */
    /** Pin the window at `offset` (bytes in the file), and return at least one byte and at most
        `size`; 0: as many as the window holds. Throws APR_EOF at the end of the file. */
    bytes use(apr_off_t offset, std::size_t size = 0)
    {
        detail::check(smmap_cursor_use(cursor_, offset, size), cursor_);
        return window();
    }
    /** Copy what is in memory without waiting; returns how many bytes, from the first on. */
    [[nodiscard]] std::size_t read_nowait(apr_off_t offset, void *destination, std::size_t size)
    {
        apr_size_t got = 0;
        const apr_status_t status =
            smmap_cursor_read_nowait(cursor_, offset, destination, size, &got);
        detail::check(status == SMMAP_EWOULDBLOCK || status == APR_EOF ? APR_SUCCESS : status,
                      cursor_);
        return got;
    }
    /** use(), if that waits for nothing; otherwise false: call use(). */
    [[nodiscard]] bool try_use(apr_off_t offset, std::size_t size = 0)
    {
        const apr_status_t status = smmap_cursor_try_use(cursor_, offset, size);
        detail::check(status == SMMAP_EWOULDBLOCK ? APR_SUCCESS : status, cursor_);
        return status == APR_SUCCESS;
    }
    /** Pin all `size` bytes in one piece, also across a window boundary. */
    bytes require(apr_off_t offset, std::size_t size)
    {
        detail::check(smmap_cursor_require(cursor_, offset, size), cursor_);
        return window();
    }
    /** Copy bytes; returns how many: less than `size` where the file ends, 0 at its end. */
    [[nodiscard]] std::size_t read(apr_off_t offset, void *destination, std::size_t size)
    {
        apr_size_t got = 0;
        const apr_status_t status = smmap_cursor_read(cursor_, offset, destination, size, &got);
        detail::check(status == APR_EOF ? APR_SUCCESS : status, cursor_);
        return got;
    }
    void release() noexcept { smmap_cursor_release(cursor_); }
    /** Go to the file and window of another cursor. */
    void assign(cursor_ref to) { detail::check(smmap_cursor_assign(cursor_, to.get()), cursor_); }
    void refresh() { detail::check(smmap_cursor_refresh(cursor_), cursor_); }
    /** Does the path still name the file? Throws SMMAP_ENOFILE: it was opened by handle. */
    bool is_current() { return detail::result<int>(smmap_cursor_is_current, cursor_) != 0; }
    void hint(smmap_access_t access) { detail::check(smmap_cursor_hint(cursor_, access), cursor_); }
    void advise(apr_off_t offset, apr_off_t size, smmap_advice_t advice)
    {
        detail::check(smmap_cursor_advise(cursor_, offset, size, advice), cursor_);
    }
    /** Bytes of the whole window that are in memory. */
    std::size_t resident() const { return detail::result(smmap_cursor_resident, cursor_); }
    /** The byte at an offset in the file, or nullptr if the pinned window does not hold it. */
    const unsigned char *at(apr_off_t to) const noexcept { return smmap_cursor_at(cursor_, to); }
    /** What the last move returned; empty without a window. */
    bytes window() const noexcept { return {data(), size()}; }
    const unsigned char *data() const noexcept { return smmap_cursor_data(cursor_); }
    std::size_t size() const noexcept { return smmap_cursor_size(cursor_); }
    apr_off_t offset() const noexcept { return smmap_cursor_offset(cursor_); }
    apr_off_t end_offset() const noexcept { return smmap_cursor_end(cursor_); }
    bool includes(apr_off_t where) const noexcept { return smmap_cursor_includes(cursor_, where); }
    bool is_valid() const noexcept { return smmap_cursor_is_valid(cursor_); }
    bool is_associated() const noexcept { return smmap_cursor_is_associated(cursor_); }
    apr_off_t region_begin() const noexcept { return smmap_cursor_region_begin(cursor_); }
    std::size_t region_size() const noexcept { return smmap_cursor_region_size(cursor_); }
    std::size_t region_clients() const noexcept { return smmap_cursor_region_clients(cursor_); }
    /** Where a guarded read last met a fault, or -1. */
    apr_off_t fault() const noexcept { return smmap_cursor_fault(cursor_); }
    apr_off_t file_size() const noexcept { return smmap_cursor_file_size(cursor_); }
    apr_uint64_t file_number() const noexcept { return smmap_cursor_file_number(cursor_); }
    /** The absolute path; nullptr: opened by handle. Valid as long as it stays on its file. */
    const char *path() const noexcept { return smmap_cursor_path(cursor_); }
    smmap_cursor_t *get() const noexcept { return cursor_; }
protected:
    smmap_cursor_t *cursor_;
};

/** A cursor of your own: a file, with at most one window pinned. */
class cursor : public cursor_ref {
public:
    /** On the file at a path (UTF-8 on Windows). Nothing is mapped yet. */
    cursor(manager &on, const std::string &path)
        : cursor(detail::made(path.c_str(), smmap_cursor_open, on.get(), path.c_str())) {}
    /** On a file that the manager has by this absolute path, or nothing. Asks no system. */
    [[nodiscard]] static std::optional<cursor> open_known(manager &on, const std::string &path)
    {
        smmap_cursor_t *made = nullptr;
        const apr_status_t status = smmap_cursor_open_known(&made, on.get(), path.c_str(), nullptr);
        detail::check(status == SMMAP_ENOFILE ? APR_SUCCESS : status, path.c_str());
        return made != nullptr ? std::optional<cursor>(cursor(made)) : std::nullopt;
    }
    /** On an open file; you keep the handle and may close it at once. */
    [[nodiscard]] static cursor open_handle(manager &on, apr_os_file_t handle)
    {
        return cursor(detail::made(nullptr, smmap_cursor_open_handle, on.get(), handle));
    }
    /** Another cursor on the file and window of `from`. */
    [[nodiscard]] static cursor copy_of(cursor_ref from)
    {
        return cursor(detail::made(from.get(), smmap_cursor_copy, from.get()));
    }
    cursor(cursor &&from) noexcept : cursor_ref(std::exchange(from.cursor_, nullptr)) {}
    cursor &operator=(cursor &&from) noexcept
    {
        smmap_cursor_close(std::exchange(cursor_, std::exchange(from.cursor_, nullptr)));
        return *this;
    }
    ~cursor() { smmap_cursor_close(cursor_); }
private:
    friend class buffer;
    explicit cursor(smmap_cursor_t *made) noexcept : cursor_ref(made) {}
};

/** Guards the windows of a cursor while it exists: reading them by pointer in this thread
    survives page faults. Trust the bytes only after end() returns. Begin and end in the same
    thread, the last one first. The cursor must exist longer; it may move to other windows. */
class [[nodiscard]] guard {
public:
    /** Throws APR_EINVAL: the manager has no guard; APR_ENOTIMPL: only read() can be guarded. */
    explicit guard(cursor_ref on) : cursor_(on.get())
    {
        detail::check(smmap_cursor_begin_guard(cursor_), cursor_);
    }
    guard(const guard &) = delete;
    guard &operator=(const guard &) = delete;
    /** Without end() the result is lost: for the way out with an exception. */
    ~guard() { smmap_cursor_end_guard(cursor_); }
    /** Throws if what was read may not be the file's: SMMAP_ETRUNCATED, SMMAP_EFAULT. */
    void end()
    {
        smmap_cursor_t *ended = std::exchange(cursor_, nullptr);
        detail::check(smmap_cursor_end_guard(ended), ended);
    }
private:
    smmap_cursor_t *cursor_;
};

/** A range of a file that reads as one piece. An index is in bytes and counts from the start of
    the range; a negative one counts from its end. */
class buffer {
public:
    /** Without a range: see begin_access(). */
    buffer() : buffer(cursor_ref(nullptr)) {}
    /** With a cursor of its own. Throws APR_EOF if no byte is at `offset`, as in an empty file. */
    explicit buffer(cursor_ref on, apr_off_t offset = 0, apr_off_t size = SMMAP_TO_END)
        : buffer_(detail::made(on.get(), smmap_buffer_create, on.get(), offset, size)) {}
    /** It reads with `on`, which must exist longer, and moves it. */
    static buffer create_shared(cursor_ref on, apr_off_t offset = 0, apr_off_t size = SMMAP_TO_END)
    {
        return buffer(detail::made(on.get(), smmap_buffer_create_shared, on.get(), offset, size));
    }
    /** Go to a range of the file of `on`: for the same file, the buffer's cursor(). */
    void begin_access(cursor_ref on, apr_off_t offset = 0, apr_off_t size = SMMAP_TO_END)
    {
        detail::check(smmap_buffer_begin_access(get(), on.get(), offset, size), on.get());
    }
    /** Unpin the window; the buffer keeps its file and has no range. */
    void end_access() noexcept { smmap_buffer_end_access(get()); }
    apr_off_t size() const noexcept { return smmap_buffer_size(get()); }
    /** Throws APR_EOF outside of the range. */
    [[nodiscard]] unsigned char byte(apr_off_t index)
    {
        return detail::result<unsigned char>(smmap_buffer_byte, get(), index);
    }
    /** Copy bytes; returns how many: less than `size` where the range ends, 0 outside of it. */
    [[nodiscard]] std::size_t read(apr_off_t index, void *destination, std::size_t size)
    {
        apr_size_t got = 0;
        const apr_status_t status = smmap_buffer_read(get(), index, destination, size, &got);
        detail::check(status == APR_EOF ? APR_SUCCESS : status, get());
        return got;
    }
    /** `size` bytes without a copy, valid until the next call; nothing if they cross a window
        boundary: then use read() or hold(). Throws APR_EOF outside of the range. */
    [[nodiscard]] std::optional<bytes> slice(apr_off_t index, std::size_t size)
    {
        const unsigned char *data = nullptr;
        const apr_status_t status = smmap_buffer_slice(get(), index, size, &data);
        if (status == SMMAP_ESPLIT)
            return std::nullopt;
        detail::check(status, get());
        return bytes(data, size);
    }
    /** `size` bytes in one piece, pinned by a cursor of their own. */
    [[nodiscard]] smmap::cursor hold(apr_off_t index, std::size_t size)
    {
        smmap_cursor_t *slice = nullptr;
        detail::check(smmap_buffer_hold(&slice, get(), index, size, nullptr), get());
        return smmap::cursor(slice);
    }
    /** The buffer's cursor; get() is nullptr if it is on no file. Valid as long as the buffer. */
    cursor_ref cursor() noexcept { return cursor_ref(smmap_buffer_cursor(get())); }
    smmap_buffer_t *get() const noexcept { return buffer_.get(); }
private:
    explicit buffer(smmap_buffer_t *made) noexcept : buffer_(made) {}
    std::unique_ptr<smmap_buffer_t, detail::closer> buffer_;
};

} /* namespace smmap */

#endif
