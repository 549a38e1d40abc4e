/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program in C++17 on smmap.hpp: it calls each function, on a file that it makes at the path
 * that it is given. tests/package/headers.sh compiles it as C++17 and C++20, with all warnings as
 * errors, links it with the library and runs it.
 */
#include <smmap/smmap.hpp>

#include <apr_file_io.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>
#include <type_traits>
#include <vector>

#include <smmap/smmap.hpp> /* again, to see its guard */

#if defined(__has_include)
#if __has_include(<span>)
#include <span>
#endif
#endif

namespace {

using smmap::buffer;
using smmap::cursor;
using smmap::cursor_ref;
using smmap::manager;

static_assert(std::is_nothrow_move_constructible_v<manager> &&
              std::is_nothrow_move_assignable_v<manager> && !std::is_copy_constructible_v<manager>);
static_assert(std::is_nothrow_move_constructible_v<cursor> &&
              std::is_nothrow_move_assignable_v<cursor> && !std::is_copy_constructible_v<cursor>);
static_assert(std::is_nothrow_move_constructible_v<buffer> &&
              std::is_nothrow_move_assignable_v<buffer> && !std::is_copy_constructible_v<buffer>);
static_assert(!std::is_move_constructible_v<smmap::guard>);
static_assert(std::is_nothrow_copy_constructible_v<smmap::error>);
static_assert(std::is_convertible_v<smmap::bytes, std::string_view>);
#ifdef __cpp_lib_span
static_assert(std::is_convertible_v<smmap::bytes, std::span<const unsigned char>>);
#endif

int failures = 0;

void expect(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "not so: %s\n", what);
        failures++;
    }
}

/* The call throws smmap::error with this status and this path. */
template <class Call>
void expect_error(apr_status_t status, const char *path, const char *what, Call call)
{
    try {
        call();
        std::fprintf(stderr, "no exception: %s\n", what);
        failures++;
    } catch (const smmap::error &e) {
        if (e.status() != status || std::strcmp(e.path(), path) != 0) {
            std::fprintf(stderr, "status %d, path \"%s\": %s\n", e.status(), e.path(), what);
            failures++;
        }
    }
}

/* A file of three windows and a bit, no two bytes of a window alike for long. */
class file {
public:
    explicit file(std::string path) : path_(std::move(path))
    {
        for (std::size_t i = 0; i < content_.size(); i++)
            content_[i] = static_cast<char>(i * i / 251 + i);
        write(content_.size());
    }
    ~file() { std::remove(path_.c_str()); }
    file(const file &) = delete;
    file &operator=(const file &) = delete;

    /* In place: it stays the same file. */
    void write(std::size_t size) const
    {
        std::ofstream out(path_, std::ios::binary | std::ios::trunc);
        out.write(content_.data(), static_cast<std::streamsize>(size));
        expect(static_cast<bool>(out.flush()), "the file is written");
    }
    const std::string &path() const { return path_; }
    apr_off_t size() const { return static_cast<apr_off_t>(content_.size()); }
    std::string_view at(apr_off_t offset, std::size_t size) const
    {
        return std::string_view(content_).substr(static_cast<std::size_t>(offset), size);
    }

private:
    std::string path_;
    std::string content_ = std::string(3 * smmap_granularity() + 123, '\0');
};

const apr_off_t granule = static_cast<apr_off_t>(smmap_granularity());

smmap::options windows()
{
    smmap::options options;
    options.window_size = smmap_granularity();
    return options;
}

void test_manager(const file &data)
{
    std::vector<smmap_trace_event_t> moves;
    smmap::options options = windows();
    options.limits = SMMAP_LIMITS_HARD;
    options.max_mapped_bytes = 2 * smmap_granularity();
    options.max_regions = 7;
    options.max_open_files = 5;
    options.trace_context = &moves;
    options.trace = [](void *context, const smmap_trace_event_t *event) {
        static_cast<std::vector<smmap_trace_event_t> *>(context)->push_back(*event);
    };
    manager first(options);
    expect(first.mode() == SMMAP_MODE_SLIDING && first.limits() == SMMAP_LIMITS_HARD &&
               first.guard() == SMMAP_GUARD_OFF && first.window_size() == smmap_granularity() &&
               first.max_mapped_bytes() == 2 * smmap_granularity() && first.max_regions() == 7 &&
               first.max_open_files() == 5,
           "the manager has the options");

    cursor one(first, data.path());
    cursor two = cursor::copy_of(one);
    one.use(0);
    two.use(granule);
    expect(moves.size() == 2 && moves[1].offset == granule, "the trace is called");
    expect(first.mapped_bytes() == 2 * smmap_granularity() && first.regions() == 2 &&
               first.open_files() == 1 && first.stats().pinned_regions == 2,
           "two windows are mapped");
    expect_error(SMMAP_ELIMIT_BYTES, one.path(), "both are pinned, and a third is not allowed",
                 [&] { cursor(first, data.path()).use(2 * granule); });

    apr_off_t sum = 0;
    first.pinned([&](const smmap_pinned_t &pinned) {
        sum += 1 + pinned.window_begin;
        expect(pinned.file == one.file_number(), "file_number()");
    });
    expect(sum == granule + 2, "pinned() visits both");
    int visits = 0;
    try {
        first.pinned([&](const smmap_pinned_t &) { throw ++visits; });
        expect(false, "the visitor's exception comes out");
    } catch (int thrown) {
        expect(thrown == 1 && visits == 1, "it ends the visits");
    }

    expect(first.collect_bytes(1) == 0, "collect_bytes() leaves what is pinned");
    two.release();
    options.limits = SMMAP_LIMITS_SOFT;
    options.max_regions = 1;
    first.set_limits(options);
    expect(first.max_regions() == 1 && first.regions() == 1, "set_limits() unmaps one");
    two.use(granule);
    two.release();
    expect(first.collect_bytes(1) == smmap_granularity(), "collect_bytes() unmaps a window");
    options.struct_size = 1;
    expect_error(APR_EINVAL, "", "set_limits() of another structure",
                 [&] { first.set_limits(options); });
    options.struct_size = sizeof(smmap_options_t);
    two.use(granule);
    two.release();
    expect(first.collect() == 1 && first.regions() == 1, "collect() unmaps the one unpinned");
    expect(first.drop(data.path()) == 1, "drop() finds the other pinned");
    expect_error(APR_EINVAL, "", "there is no guard", [&] { first.reinstall_guard(); });

    manager second(std::move(first));
    expect(first.get() == nullptr && second.regions() == 1, "a manager moves");
    manager third;
    third = std::move(second);
    expect(third.regions() == 1 && one.is_associated(), "and is assigned");
    third.close();
    expect(third.get() == nullptr && !one.is_associated(), "close() destroys it");

    options.window_size = SMMAP_UNLIMITED;
    expect_error(SMMAP_ETOOLARGE, "", "too large a window", [&] { manager bad(options); });
}

void test_cursor(const file &data)
{
    manager files(windows());
    cursor one(files, data.path().c_str());
    expect(one.is_associated() && !one.is_valid() && one.window().empty() && one.data() == nullptr,
           "a new cursor is on a file and on no window");
    expect(one.file_size() == data.size() && one.fault() == -1, "the size of the file");

    const smmap::bytes part = one.use(granule + 10, 20);
    expect(std::string_view(part) == data.at(granule + 10, 20), "use() returns the bytes");
    expect(part.data() == one.data() && part.size() == 20 && one.size() == 20 &&
               part[19] == *one.at(granule + 29) && part.end() - part.begin() == 20,
           "as the accessors do");
    expect(std::accumulate(part.begin(), part.end(), 0u) ==
               std::accumulate(one.window().begin(), one.window().end(), 0u),
           "the bytes are a range");
    expect(one.is_valid() && one.offset() == granule + 10 && one.end_offset() == granule + 30 &&
               one.includes(granule + 29) && !one.includes(granule + 30),
           "the cursor is at the place");
    expect(one.region_begin() == granule && one.region_size() == smmap_granularity() &&
               one.region_clients() == 1,
           "it pins the region");
    expect(one.at(0) == nullptr && one.at(granule) == one.data() - 10, "at() is for the window");
    expect(one.use(0).size() == smmap_granularity(), "use() without a size: the window");
    expect(std::string_view(one.require(granule - 5, 10)) == data.at(granule - 5, 10),
           "require() crosses the boundary");
    expect_error(APR_EOF, one.path(), "use() at the end", [&] { one.use(data.size()); });
    expect(!one.is_valid(), "a move that failed leaves no window");

    std::array<char, 200> copy{};
    expect(one.read(granule - 100, copy.data(), copy.size()) == copy.size() &&
               std::string_view(copy.data(), copy.size()) == data.at(granule - 100, copy.size()),
           "read() copies across the boundary");
    expect(one.read(data.size() - 3, copy.data(), copy.size()) == 3, "read() is cut at the end");
    expect(one.read(data.size(), copy.data(), copy.size()) == 0, "read() at the end: nothing");
    expect_error(APR_EINVAL, one.path(), "read() of a negative offset",
                 [&] { (void)one.read(-1, copy.data(), copy.size()); });

    one.hint(SMMAP_ACCESS_SEQUENTIAL);
    expect_error(APR_EINVAL, one.path(), "hint() of nothing",
                 [&] { one.hint(static_cast<smmap_access_t>(3)); });
    expect_error(APR_EINVAL, one.path(), "advise() for a negative offset",
                 [&] { one.advise(-1, 1, SMMAP_WILL_NEED); });
    try {
        expect(one.use(0)[0] == static_cast<unsigned char>(data.at(0, 1)[0]) && one.resident() > 0,
               "resident() counts bytes of the window");
    } catch (const smmap::error &e) {
        expect(APR_STATUS_IS_ENOTIMPL(e.status()), "or the system does not tell");
    }
    one.release();
    expect_error(SMMAP_ENOWINDOW, one.path(), "resident() needs a window",
                 [&] { (void)one.resident(); });

    one.use(granule);
    one.use(0);
    one.hint(SMMAP_ACCESS_NORMAL);
    expect(one.try_use(granule + 7, 2) && std::string_view(one.window()) == data.at(granule + 7, 2),
           "try_use() of a mapped window");
    expect(!one.try_use(2 * granule), "try_use() of one that is not");
    expect_error(APR_EINVAL, one.path(), "try_use() of a negative offset",
                 [&] { (void)one.try_use(-1); });

    one.use(7, 1);
    cursor two = cursor::copy_of(one);
    const std::optional<cursor> known = cursor::open_known(files, one.path());
    expect(known && known->file_number() == one.file_number(), "open_known() finds the file");
    expect(!cursor::open_known(files, data.path() + ".absent"), "and no other");
    expect_error(APR_EINVAL, "", "open_known() of nothing",
                 [&] { (void)cursor::open_known(files, ""); });
    expect(two.get() != one.get() && two.data() == one.data() && one.region_clients() == 2,
           "a copy is on the same window");
    two.use(granule);
    two.assign(one);
    expect(two.offset() == 7 && two.region_clients() == 2, "assign() goes there, too");
    const smmap_cursor_t *inside = two.get();
    cursor three(std::move(two));
    expect(two.get() == nullptr && three.get() == inside, "a cursor moves");
    one = std::move(three);
    expect(one.get() == inside && one.region_clients() == 1, "the old one's window is unpinned");
    cursor &same = one;
    one = std::move(same);
    expect(one.get() == inside && one.offset() == 7, "moving to itself changes nothing");

    apr_pool_t *pool = nullptr;
    apr_file_t *opened = nullptr;
    apr_os_file_t handle{};
    apr_pool_create(&pool, nullptr);
    apr_file_open(&opened, data.path().c_str(), APR_FOPEN_READ | APR_FOPEN_BINARY, 0, pool);
    apr_os_file_get(&handle, opened);
    cursor by_handle = cursor::open_handle(files, handle);
    apr_pool_destroy(pool);
    expect(by_handle.path() == nullptr && by_handle.use(7, 1).data() == one.data(),
           "a cursor by handle shares the window");
    expect(one.is_current(), "the path names the file");
    expect_error(SMMAP_ENOFILE, "", "without a path, it is not asked",
                 [&] { by_handle.is_current(); });
    expect_error(APR_EOF, "", "an error of a file without a path",
                 [&] { by_handle.use(data.size()); });
}

void test_errors(const file &data)
{
    const std::string absent = data.path() + ".absent";
    manager files;
    try {
        cursor none(files, absent);
        expect(false, "a file that is not there is not opened");
    } catch (const std::system_error &e) {
        char text[512];
        smmap_strerror(e.code().value(), text, sizeof text);
        expect(APR_STATUS_IS_ENOENT(e.code().value()), "the status");
        expect(e.code() == std::errc::no_such_file_or_directory, "the condition");
        expect(e.what() == absent + ": " + text, "the text names the file");
    }
    const smmap::error stale(SMMAP_ESTALE, nullptr);
    char text[512];
    expect(stale.what() == std::string(smmap_strerror(SMMAP_ESTALE, text, sizeof text)),
           "the text without a file");
    expect(stale.code().category() == smmap::category() &&
               stale.code() != std::errc::no_such_file_or_directory,
           "a status of the library is of no system");
}

void test_buffer(const file &data)
{
    manager files(windows());
    cursor one(files, data.path());
    buffer none;
    expect(none.size() == 0 && none.cursor().get() == nullptr, "a buffer without a range");
    expect_error(SMMAP_ENOFILE, "", "and without a file",
                 [&] { none.begin_access(none.cursor(), 0, 1); });
    none.begin_access(one, 3);
    expect(none.size() == data.size() - 3, "begin_access() to the end of the file");

    buffer all(one);
    expect(all.size() == data.size(), "the whole file");
    expect(all.byte(-1) == static_cast<unsigned char>(data.at(data.size() - 1, 1)[0]), "byte()");
    expect_error(APR_EOF, one.path(), "byte() outside", [&] { (void)all.byte(data.size()); });
    std::array<char, 200> copy{};
    expect(all.read(granule - 100, copy.data(), copy.size()) == copy.size() &&
               std::string_view(copy.data(), copy.size()) == data.at(granule - 100, copy.size()),
           "read() copies across the boundary");
    expect(all.read(-3, copy.data(), copy.size()) == 3 &&
               all.read(data.size(), copy.data(), copy.size()) == 0,
           "read() is cut at the end");
    const std::optional<smmap::bytes> slice = all.slice(10, 20);
    expect(slice && std::string_view(*slice) == data.at(10, 20), "slice()");
    expect(!all.slice(granule - 5, 10), "no slice across the boundary");
    expect(std::string_view(all.cursor().require(granule - 5, 10)) == data.at(granule - 5, 10),
           "but its cursor has the bytes");
    expect_error(APR_EOF, one.path(), "slice() outside", [&] { (void)all.slice(-1, 2); });

    cursor held = all.hold(granule - 5, 10);
    expect(all.byte(0) == static_cast<unsigned char>(data.at(0, 1)[0]) &&
               std::string_view(held.window()) == data.at(granule - 5, 10),
           "hold() keeps bytes while the buffer moves");
    expect_error(APR_EOF, one.path(), "hold() outside", [&] { (void)all.hold(-1, 2); });
    {
        buffer shared = buffer::create_shared(one, granule, 10);
        expect(shared.cursor().get() == one.get() && shared.size() == 10 &&
                   shared.byte(3) == *one.at(granule + 3),
               "create_shared() reads with the cursor");
    }
    expect(one.is_associated(), "and leaves it");

    buffer moved(std::move(all));
    all = std::move(none);
    expect(moved.size() == data.size() && all.size() == data.size() - 3, "buffers move");
    moved.begin_access(moved.cursor(), 100, 50);
    expect(moved.size() == 50 && moved.byte(0) == *one.use(100, 1).data(), "another range");
    moved.end_access();
    expect(moved.size() == 0 && !moved.cursor().is_valid(), "end_access()");
    expect_error(APR_EOF, one.path(), "a range past the end", [&] { buffer(one, data.size()); });
}

/* Reads through a guard while the file becomes shorter. */
void read_shortened(const file &data, cursor_ref at, bool end)
{
    data.write(data.at(0, SIZE_MAX).size());
    at.refresh();
    at.use(granule);
    smmap::guard guard(at);
    data.write(100);
    const smmap::bytes part = at.window();
    expect(std::all_of(part.begin(), part.end(), [](unsigned char byte) { return byte == 0; }),
           "what is not there reads as zeroes");
    if (end)
        guard.end();
}

void test_guard(const file &data)
{
    smmap::options options = windows();
    options.guard = SMMAP_GUARD_ON;
    manager files(options);
    files.reinstall_guard();
    cursor one(files, data.path());
    try {
        one.use(0);
        smmap::guard guard(one);
        expect(std::string_view(one.use(5, 30)) == data.at(5, 30), "a guarded cursor moves");
        guard.end();
    } catch (const smmap::error &e) {
        expect(APR_STATUS_IS_ENOTIMPL(e.status()), "or the system cannot guard pointers");
        return;
    }
    expect_error(SMMAP_ETRUNCATED, one.path(), "end() tells that the file became shorter",
                 [&] { read_shortened(data, one, true); });
    expect(!one.is_valid() && one.fault() >= granule, "and where");
    read_shortened(data, one, false);
    smmap::guard again(one);
    expect_error(APR_EINVAL, one.path(), "it is guarded already", [&] { smmap::guard twice(one); });
    again.end();
    data.write(data.at(0, SIZE_MAX).size());
}

/* A cursor for each thread, on one manager, whose first use is in these threads. */
void test_threads(const file &data)
{
    std::array<int, 4> wrong{};
    std::vector<std::thread> threads;
    manager files(windows());
    for (int &mine : wrong) {
        threads.emplace_back([&data, &files, &mine] {
            cursor own(files, data.path());
            for (apr_off_t at = 0; at < data.size(); at += 997) {
                const smmap::bytes part = own.use(at, 500);
                mine += std::string_view(part) != data.at(at, part.size());
            }
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    expect(std::accumulate(wrong.begin(), wrong.end(), 0) == 0, "the threads read the file");
    expect(files.stats().cursors == 0, "and have closed their cursors");
}

/* The manager goes first, and a cursor is closed by another thread. */
void test_order(const file &data)
{
    std::optional<manager> files(std::in_place);
    cursor one(*files, data.path());
    buffer all(one);
    const smmap::bytes part = one.use(0, 100);
    expect(all.byte(0) == part[0], "the buffer has a window");
    files.reset();
    expect(std::string_view(part) == data.at(0, 100), "a pinned window stays");
    expect(all.byte(1) == part[1], "also a buffer's");
    expect_error(SMMAP_ECLOSED, "", "a cursor outlives its manager", [&] { one.use(granule); });
    std::thread([gone = std::move(one)] {}).join();
    expect(one.get() == nullptr, "it is closed in a thread");
}

} /* namespace */

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    try {
        const file data(argv[1]);
        test_manager(data);
        test_cursor(data);
        test_errors(data);
        test_buffer(data);
        test_guard(data);
        test_threads(data);
        test_order(data);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "exception: %s\n", e.what());
        failures++;
    }
    return failures == 0 ? 0 : 1;
}
