#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <lowtide/io/apart.h>
#include <lowtide/io/file.h>
#include <lowtide/io/hdf5.h>
#include <lowtide/io/printable.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

namespace lowtide::hdf5 {
namespace fs = std::filesystem;

namespace {

// The library of Debian is not made for threads: one at a time, and nobody in it when a child is forked.
std::recursive_mutex& library() {
  static std::recursive_mutex mutex;
  return mutex;
}

// While it lives the library does not print its errors.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// The innermost reason of the last failure; to be asked before the next call, which forgets it.
std::string library_says() {
  std::string reason = "no reason given";
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* error, void* text) -> herr_t {
        if (error->desc && *error->desc) *static_cast<std::string*>(text) = error->desc;
        return 1;
      },
      &reason);
  return printable(reason);
}

constexpr std::size_t max_text = std::size_t{1} << 20;  // of one attribute
constexpr hssize_t max_entries = 100000;                // of one attribute

// What the child sends: for each value a header and its bytes; then one header with the tag `done`, or
// with `refused` and the text of the reason.
enum Tag : std::uint32_t { value_follows = 0x10d7, refused, done };
struct Header {
  std::uint32_t tag;
  std::int32_t index;  // in the list of what is wanted; -1: the file as a whole
  std::int64_t rank;
  std::int64_t extent[Shape::max_rank];
  std::uint64_t bytes;
};

std::uint64_t budget(std::uint64_t file_size) { return (std::uint64_t{64} << 20) + 100 * file_size; }

// ---- In the child: vectors and HDF5, no tensors.

struct Refusal {
  std::string what;
};
[[noreturn]] void refuse(std::string what) { throw Refusal{std::move(what)}; }
[[noreturn]] void damaged() { refuse("damaged: " + library_says()); }

template <class T>
T good(T result) {
  if (result < 0) damaged();
  return result;
}

bool one_of(hid_t type, std::initializer_list<hid_t> types) {
  return std::any_of(types.begin(), types.end(), [&](hid_t t) { return H5Tequal(type, t) > 0; });
}
bool is_float(hid_t t) { return one_of(t, {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_IEEE_F32BE}); }
bool is_integer(hid_t t) {
  return one_of(t, {H5T_STD_I8LE, H5T_STD_I8BE, H5T_STD_U8LE, H5T_STD_U8BE, H5T_STD_I16LE, H5T_STD_I16BE,
                    H5T_STD_U16LE, H5T_STD_U16BE, H5T_STD_I32LE, H5T_STD_I32BE, H5T_STD_U32LE, H5T_STD_U32BE,
                    H5T_STD_I64LE, H5T_STD_I64BE, H5T_STD_U64LE, H5T_STD_U64BE});
}
bool is_truth(hid_t t) {  // what numpy's bool becomes: FALSE and TRUE on top of a byte
  if (H5Tget_class(t) != H5T_ENUM || H5Tget_nmembers(t) != 2) return false;
  const Id base(H5Tget_super(t), H5Tclose);
  return base >= 0 && one_of(base, {H5T_STD_I8LE, H5T_STD_U8LE});
}

std::string describe(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return "integers";
    case H5T_FLOAT:
      return fmt::format("floating-point numbers of {} bytes", H5Tget_size(type));
    case H5T_STRING:
      return "text";
    case H5T_BITFIELD:
      return "bits";
    case H5T_OPAQUE:
      return "opaque bytes";
    case H5T_COMPOUND:
      return "records (a compound type)";
    case H5T_REFERENCE:
      return "references";
    case H5T_ENUM:
      return "an enumeration";
    case H5T_VLEN:
      return "lists of variable length";
    case H5T_ARRAY:
      return "arrays of arrays";
    default:
      return "something unknown";
  }
}

void check_type(hid_t type, Kind kind) {
  const bool right = kind == Kind::strings   ? H5Tget_class(type) == H5T_STRING
                     : kind == Kind::numbers ? is_float(type) || is_integer(type)
                                             : is_integer(type) || is_truth(type);
  if (right) return;
  refuse(fmt::format("holds {}, not {}", describe(type),
                     kind == Kind::strings   ? "text"
                     : kind == Kind::numbers ? "numbers of type float64 or float32"
                                             : "integers"));
}

Header header_of(int index, hid_t space) {
  Header header{value_follows, index, 0, {}, 0};
  const H5S_class_t extent_class = H5Sget_simple_extent_type(space);
  if (extent_class == H5S_NULL) {
    header.rank = 1;
    return header;
  }
  if (extent_class == H5S_NO_CLASS) damaged();
  header.rank = good(H5Sget_simple_extent_ndims(space));
  if (header.rank > Shape::max_rank) refuse(fmt::format("has {} axes; at most 4 are possible", header.rank));
  hsize_t extent[Shape::max_rank] = {};
  good(H5Sget_simple_extent_dims(space, extent, nullptr));
  for (int a = 0; a < header.rank; ++a) header.extent[a] = static_cast<std::int64_t>(extent[a]);
  return header;
}

// The number of elements, where eight bytes for each must fit into `budget`.
std::uint64_t count_of(const Header& header, std::uint64_t budget) {
  std::uint64_t count = 1, fits = budget / 8;
  bool none = false;
  for (int a = 0; a < header.rank; ++a) none = none || header.extent[a] == 0;
  if (none) return 0;
  for (int a = 0; a < header.rank; ++a) {
    const auto extent = static_cast<std::uint64_t>(header.extent[a]);
    if (extent > fits / count)
      refuse(fmt::format("is larger than a file of this size can hold: {} MB at most", budget >> 20));
    count *= extent;
  }
  return count;
}

// All elements must lie in this file, in a way that needs no foreign code.
void check_storage(hid_t dataset, hid_t type, hid_t space, const Header& header, std::uint64_t count,
                   std::uint64_t budget, std::uint64_t file_size) {
  const Id plan(good(H5Dget_create_plist(dataset)), H5Pclose);
  if (good(H5Pget_external_count(plan)) > 0) refuse("stores its numbers in another file");
  const int filters = good(H5Pget_nfilters(plan));
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        good(H5Pget_filter2(plan, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config));
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
      refuse(fmt::format("is packed by filter {}; gzip, shuffle and fletcher32 are possible", filter));
  }

  const H5D_layout_t layout = H5Pget_layout(plan);
  const std::uint64_t bytes = count * H5Tget_size(type), stored = H5Dget_storage_size(dataset);
  if (layout == H5D_CHUNKED) {
    hsize_t chunk[H5S_MAX_RANK] = {};
    const int rank = good(H5Pget_chunk(plan, H5S_MAX_RANK, chunk));
    if (rank != header.rank) refuse("damaged: its chunks have another rank");
    std::uint64_t room = budget / H5Tget_size(type), chunks = 1;
    for (int a = 0; a < rank; ++a) {
      if (chunk[a] == 0 || chunk[a] > room) refuse("has chunks larger than the file can fill");
      room /= chunk[a];
      chunks *= (static_cast<std::uint64_t>(header.extent[a]) + chunk[a] - 1) / chunk[a];
    }
    hsize_t present = 0;
    if (count > 0) good(H5Dget_num_chunks(dataset, space, &present));
    if (count > 0 && (present < chunks || stored == 0 || stored > file_size))
      refuse(fmt::format("{} of {} chunks are stored", present, chunks));
  } else if (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) {
    if (stored != bytes) refuse(fmt::format("{} bytes are stored, but its extents need {}", stored, bytes));
    const haddr_t place = layout == H5D_CONTIGUOUS && bytes > 0 ? H5Dget_offset(dataset) : 0;
    if (bytes > file_size || place > file_size - bytes) refuse("reaches beyond the end of the file");
  } else if (layout == H5D_VIRTUAL) {
    refuse("is a virtual dataset, a view of other files");
  } else {
    damaged();
  }
}

void send(const ToParent& parent, Header header, const void* values, std::uint64_t bytes) {
  header.bytes = bytes;
  parent.send(&header, sizeof header);
  parent.send(values, bytes);
}

// read(memory type, buffer) is H5Dread or H5Aread.
template <class Read>
void send_values(const ToParent& parent, const Header& header, Kind kind, hid_t type, std::uint64_t count,
                 const Read& read) {
  std::vector<double> numbers;
  std::vector<std::int64_t> integers;
  if (kind == Kind::numbers) numbers.resize(count);
  if (kind == Kind::integers || !is_float(type)) {
    integers.resize(count);
    if (count > 0) good(read(H5T_NATIVE_INT64, integers.data()));
  } else if (count > 0) {
    good(read(H5T_NATIVE_DOUBLE, numbers.data()));
  }
  if (kind == Kind::integers) return send(parent, header, integers.data(), 8 * count);
  for (std::size_t i = 0; i < integers.size(); ++i) {
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    if (integers[i] > exact || integers[i] < -exact)
      refuse(fmt::format("integer {} is too large", integers[i]));
    numbers[i] = static_cast<double>(integers[i]);
  }
  send(parent, header, numbers.data(), 8 * count);
}

std::uint64_t send_dataset(const ToParent& parent, hid_t file, const Wanted& wanted, int index,
                           std::uint64_t budget, std::uint64_t file_size) {
  const char* name = wanted.name.c_str() + 1;
  H5L_info_t link;
  good(H5Lget_info(file, name, &link, H5P_DEFAULT));
  if (link.type != H5L_TYPE_HARD)
    refuse(link.type == H5L_TYPE_EXTERNAL ? "is a link to another file" : "is a link, not a dataset");
  const Id object(good(H5Oopen(file, name, H5P_DEFAULT)), H5Oclose);
  if (H5Iget_type(object) != H5I_DATASET) refuse("is not a dataset");
  const Id type(good(H5Dget_type(object)), H5Tclose);
  check_type(type, wanted.kind);
  const Id space(good(H5Dget_space(object)), H5Sclose);
  const Header header = header_of(index, space);
  const std::uint64_t count = H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : count_of(header, budget);
  check_storage(object, type, space, header, count, budget, file_size);
  send_values(parent, header, wanted.kind, type, count, [&](hid_t memory, void* values) {
    return H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  });
  return 8 * count;
}

void send_texts(const ToParent& parent, const Header& header, hid_t attribute, hid_t type, std::size_t count) {
  std::string bytes;
  const auto add = [&](const char* text, std::size_t length) {
    const auto prefix = static_cast<std::uint32_t>(length);
    if (length > max_text || bytes.size() + length > max_text) refuse("its text is too long");
    bytes.append(reinterpret_cast<const char*>(&prefix), sizeof prefix).append(text, length);
  };
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> texts(count);  // the library's; they end with this process
    const Id memory(good(H5Tcopy(H5T_C_S1)), H5Tclose);
    good(H5Tset_size(memory, H5T_VARIABLE));
    good(H5Tset_cset(memory, H5Tget_cset(type)));
    if (count > 0) good(H5Aread(attribute, memory, texts.data()));
    for (const char* text : texts) add(text ? text : "", text ? std::strlen(text) : 0);
  } else {
    const std::size_t size = H5Tget_size(type);
    if (size == 0 || count > max_text / size) refuse("its text is too long");
    std::string texts(count * size, '\0');
    if (count > 0) good(H5Aread(attribute, type, texts.data()));
    for (std::size_t i = 0; i < count; ++i) {
      const char* text = texts.data() + i * size;
      std::size_t length = ::strnlen(text, size);
      if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
        while (length > 0 && text[length - 1] == ' ') --length;
      add(text, length);
    }
  }
  send(parent, header, bytes.data(), bytes.size());
}

void send_attribute(const ToParent& parent, hid_t file, const Wanted& wanted, int index) {
  const Id attribute(good(H5Aopen(file, wanted.name.c_str(), H5P_DEFAULT)), H5Aclose);
  const Id type(good(H5Aget_type(attribute)), H5Tclose);
  const Id space(good(H5Aget_space(attribute)), H5Sclose);
  const Header header = header_of(index, space);
  const hssize_t count = good(H5Sget_simple_extent_npoints(space));
  if (count > max_entries) refuse(fmt::format("has {} entries", count));
  if (count > 0) check_type(type, wanted.kind);
  if (wanted.kind == Kind::strings)
    send_texts(parent, header, attribute, type, static_cast<std::size_t>(count));
  else
    send_values(parent, header, wanted.kind, type, static_cast<std::uint64_t>(count),
                [&](hid_t memory, void* values) { return H5Aread(attribute, memory, values); });
}

void parse(const ToParent& parent, const fs::path& path, std::span<const Wanted> wanted,
           std::uint64_t file_size) {
  int at = -1;
  try {
    const Quiet quiet;
    H5PLset_loading_state(0);
    const Id access(good(H5Pcreate(H5P_FILE_ACCESS)), H5Pclose);
    good(H5Pset_fapl_sec2(access));
    const Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
    if (file < 0) {
      const std::string reason = library_says();
      if (reason.find("signature") != std::string::npos) refuse("not an HDF5 file");
      refuse("damaged: " + reason);
    }
    std::uint64_t left = budget(file_size);
    for (const Wanted& w : wanted) {
      ++at;
      if (w.name.front() == '/') {
        if (good(H5Lexists(file, w.name.c_str() + 1, H5P_DEFAULT)) > 0)
          left -= send_dataset(parent, file, w, at, left, file_size);
      } else if (good(H5Aexists(file, w.name.c_str())) > 0) {
        send_attribute(parent, file, w, at);
      }
    }
    send(parent, Header{done, -1, 0, {}, 0}, nullptr, 0);
    ::_exit(0);  // without closing: the library may stumble there, too
  } catch (const Refusal& refusal) {
    const std::string what = printable(refusal.what);
    send(parent, Header{refused, at, 0, {}, 0}, what.data(), what.size());
    ::_exit(0);
  }
}

// ---- In this process, which does not trust the child either: the file may have made it another program.

[[noreturn]] void lies(const fs::path& path) {
  bad_input(path.string(), "", "damaged: the HDF5 library lost its way");
}

Value receive_value(FromChild& child, const Header& header, Kind kind, std::uint64_t& left,
                    const fs::path& path) {
  if (header.rank < 0 || header.rank > Shape::max_rank) lies(path);
  Value value;
  std::uint64_t count = 1;
  for (int a = 0; a < header.rank; ++a) {
    const std::int64_t extent = header.extent[a];
    if (extent < 0 || (extent > 0 && count > (std::uint64_t{1} << 46) / static_cast<std::uint64_t>(extent)))
      lies(path);
    count *= static_cast<std::uint64_t>(extent);
    value.shape = value.shape.appended(extent);
  }
  if (kind == Kind::strings) {
    if (header.bytes > max_text + 4 * static_cast<std::uint64_t>(max_entries)) lies(path);
    std::string bytes(header.bytes, '\0');
    child.receive(bytes.data(), bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
      std::uint32_t length = 0;
      if (bytes.size() - at < sizeof length) lies(path);
      std::memcpy(&length, bytes.data() + at, sizeof length);
      at += sizeof length;
      if (bytes.size() - at < length) lies(path);
      value.strings.push_back(bytes.substr(at, length));
      at += length;
    }
    if (value.strings.size() != count) lies(path);
    return value;
  }
  if (header.bytes > left || header.bytes != 8 * count) lies(path);
  left -= header.bytes;
  if (kind == Kind::integers) {
    value.integers.resize(count);
    child.receive(value.integers.data(), header.bytes);
  } else {
    value.numbers = Tensor(value.shape, Dtype::f64);
    child.receive(value.numbers.mutable_data<double>(), header.bytes);
  }
  return value;
}

std::uint64_t size_of_file(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) bad_input(path.string(), "", "there is no such file");
  if (fd < 0) throw FileError(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  struct stat status;
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  ::close(fd);
  if (!regular) bad_input(path.string(), "", "not a regular file");
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

std::map<std::string, Value> read(const fs::path& path, std::span<const Wanted> wanted) {
  const std::uint64_t size = size_of_file(path), most = budget(size);
  const double megabytes = 1e-6 * static_cast<double>(size);
  const ApartLimits limits{2 * most + (std::uint64_t{64} << 20), 0.7 + megabytes / 2, 30 + megabytes};
  std::map<std::string, Value> found;
  std::uint64_t left = most;
  const std::lock_guard lock(library());
  try {
    run_apart(
        limits, [&](const ToParent& parent) { parse(parent, path, wanted, size); },
        [&](FromChild& child) {
          for (;;) {
            Header header;
            child.receive(&header, sizeof header);
            const bool one = header.index >= 0 && static_cast<std::size_t>(header.index) < wanted.size();
            const Wanted* which = one ? &wanted[static_cast<std::size_t>(header.index)] : nullptr;
            if (header.tag == done) return;
            if (header.tag == refused && header.bytes < 1000) {
              std::string what(header.bytes, '\0');
              child.receive(what.data(), what.size());
              bad_input(path.string(), which ? which->name : "", printable(what));
            }
            if (header.tag != value_follows || !which || found.count(which->name) > 0) lies(path);
            found.emplace(which->name, receive_value(child, header, which->kind, left, path));
          }
        });
  } catch (const ApartError& error) {
    bad_input(path.string(), "", fmt::format("damaged: the HDF5 library {}", error.what()));
  }
  return found;
}

// ---- Writing.

namespace {

hid_t made(hid_t id) {
  if (id < 0) throw FileError("HDF5: " + library_says());
  return id;
}
void done_well(herr_t result) { made(result); }

}  // namespace

struct Writer::Impl {
  explicit Impl(std::uint64_t expected_bytes) : access(made(H5Pcreate(H5P_FILE_ACCESS)), H5Pclose) {
    // In one block, if the guess is right: memory is taken in steps of this size.
    done_well(H5Pset_fapl_core(access, expected_bytes + expected_bytes / 64 + (1U << 20), false));
    file.emplace(made(H5Fcreate("lowtide", H5F_ACC_TRUNC, H5P_DEFAULT, access)), H5Fclose);
  }

  void dataset(const std::string& name, hid_t stored, hid_t memory, std::span<const hsize_t> extents,
               const void* values) {
    const Id space(made(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr)), H5Sclose);
    const Id plan(made(H5Pcreate(H5P_DATASET_CREATE)), H5Pclose);
    done_well(H5Pset_obj_track_times(plan, false));  // the same set, the same bytes
    done_well(H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER));
    const Id set(made(H5Dcreate2(*file, name.c_str() + 1, stored, space, H5P_DEFAULT, plan, H5P_DEFAULT)),
                 H5Dclose);
    if (H5Sget_simple_extent_npoints(space) > 0)
      done_well(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  }

  template <class T>
  void dataset(const std::string& name, hid_t stored, hid_t memory, const std::vector<T>& values) {
    const hsize_t extents[] = {values.size()};
    dataset(name, stored, memory, extents, values.data());
  }

  void attribute(const std::string& name, hid_t stored, hid_t memory, std::span<const hsize_t> extents,
                 const void* values) {
    const Id space(made(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr)), H5Sclose);
    const Id made_one(made(H5Acreate2(*file, name.c_str(), stored, space, H5P_DEFAULT, H5P_DEFAULT)), H5Aclose);
    done_well(H5Awrite(made_one, memory, values));
  }

  void texts(const std::string& name, std::span<const hsize_t> extents, std::span<const std::string> values) {
    const Id type(made(H5Tcopy(H5T_C_S1)), H5Tclose);
    done_well(H5Tset_size(type, H5T_VARIABLE));
    done_well(H5Tset_cset(type, H5T_CSET_UTF8));
    std::vector<const char*> pointers;
    for (const std::string& value : values) {
      if (value.find('\0') != std::string::npos) throw FileError("HDF5: text with a zero byte in " + name);
      pointers.push_back(value.c_str());
    }
    attribute(name, type, type, extents, pointers.data());
  }

  std::unique_lock<std::recursive_mutex> lock{library()};
  Quiet quiet;
  Id access;
  std::optional<Id> file;
};

Writer::Writer(std::uint64_t expected_bytes) : impl_(std::make_unique<Impl>(expected_bytes)) {}
Writer::~Writer() = default;

void Writer::dataset(const std::string& name, const Tensor& values) {
  std::vector<hsize_t> extents;
  for (int a = 0; a < values.shape.rank(); ++a) extents.push_back(static_cast<hsize_t>(values.shape[a]));
  if (values.dtype == Dtype::f32)
    impl_->dataset(name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, extents, values.data<float>());
  else
    impl_->dataset(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, extents, values.data<double>());
}
void Writer::dataset(const std::string& name, const std::vector<std::int64_t>& values) {
  impl_->dataset(name, H5T_STD_I64LE, H5T_NATIVE_INT64, values);
}
void Writer::dataset(const std::string& name, const std::vector<std::int32_t>& values) {
  impl_->dataset(name, H5T_STD_I32LE, H5T_NATIVE_INT32, values);
}
void Writer::dataset(const std::string& name, const std::vector<std::uint8_t>& values) {
  impl_->dataset(name, H5T_STD_U8LE, H5T_NATIVE_UINT8, values);
}

void Writer::attribute(const std::string& name, std::int64_t value) {
  impl_->attribute(name, H5T_STD_I64LE, H5T_NATIVE_INT64, {}, &value);
}
void Writer::attribute(const std::string& name, const std::string& value) {
  impl_->texts(name, {}, {&value, 1});
}
void Writer::attribute(const std::string& name, const std::vector<double>& values) {
  const hsize_t extents[] = {values.size()};
  impl_->attribute(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, extents, values.data());
}
void Writer::attribute(const std::string& name, const std::vector<std::int64_t>& values) {
  const hsize_t extents[] = {values.size()};
  impl_->attribute(name, H5T_STD_I64LE, H5T_NATIVE_INT64, extents, values.data());
}
void Writer::attribute(const std::string& name, const std::vector<std::string>& values, std::int64_t columns) {
  const auto width = static_cast<hsize_t>(columns);
  const std::vector<hsize_t> extents =
      columns > 0 ? std::vector<hsize_t>{values.size() / width, width} : std::vector<hsize_t>{values.size()};
  impl_->texts(name, extents, values);
}

void Writer::write(const fs::path& path) {
  done_well(H5Fflush(*impl_->file, H5F_SCOPE_GLOBAL));
  const ssize_t size = H5Fget_file_image(*impl_->file, nullptr, 0);
  void** memory = nullptr;  // the block that the file is, where H5Fget_file_image would make a copy
  done_well(H5Fget_vfd_handle(*impl_->file, impl_->access, reinterpret_cast<void**>(&memory)));
  if (size <= 0 || !memory || !*memory) throw FileError("HDF5: " + library_says());
  write_file(path, {static_cast<const char*>(*memory), static_cast<std::size_t>(size)});
}

}  // namespace lowtide::hdf5
