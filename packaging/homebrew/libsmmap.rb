# SPDX-License-Identifier: BSD-3-Clause
# Run: ruby -c. Not run: brew.

class Libsmmap < Formula
  desc "Random access to many and huge files through memory-mapped windows"
  homepage "https://example.org/libsmmap"
  url "https://example.org/libsmmap/libsmmap-0.2.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "BSD-3-Clause"

  depends_on "pkgconf" => :test
  depends_on "apr"

  def install
    system "./configure", "--with-apr=#{Formula["apr"].opt_bin}/apr-1-config",
           "--without-cunit", "--without-zlib", *std_configure_args
    system "make", "install"
  end

  test do
    (testpath/"file").write "abCde"
    assert_equal "file:2\n", shell_output("#{bin}/smmap find C file")
    (testpath/"test.c").write <<~C
      #include <smmap/smmap.h>
      int main(void) { return smmap_version(NULL, NULL, NULL) == NULL; }
    C
    flags = shell_output("pkgconf --cflags --libs smmap").split
    system ENV.cc, "test.c", "-o", "test", *flags
    system "./test"
  end
end
