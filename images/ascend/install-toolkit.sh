#!/bin/sh
# Check the vendor's files in /packages and install the toolkit. Runs in the build, as root.
# Environment: CANN_VERSION, ARCH (as `uname -m` says it), CANN_SHA256 and BENCHMARK_SHA256 (may be empty).
set -eu

fail() { echo "$1" >&2; exit 1; }

machine=$(uname -m)
[ "$machine" = "$ARCH" ] || fail "This build runs on $machine, ARCH is $ARCH: build on the machine that has the card."
cd /packages
toolkit=Ascend-cann-toolkit_${CANN_VERSION}_linux-${ARCH}.run
[ -s "$toolkit" ] || fail "$toolkit is not in the packages folder: get it from the vendor and put it there."

# Checksums that the user gave count, as argument or in a list; a file without one is not judged.
check() {
    [ -s "$1" ] || return 0
    sum=$2
    if [ -z "$sum" ] && [ -s SHA256SUMS ]; then
        sum=$(awk -v name="$1" '{ file = $2; sub(/^\*/, "", file); if (file == name) print $1 }' SHA256SUMS)
    fi
    [ -z "$sum" ] || echo "$sum  $1" | sha256sum -c - || fail "$1 is damaged: its checksum is wrong."
}
check "$toolkit" "${CANN_SHA256:-}"
check "benchmark.$ARCH" "${BENCHMARK_SHA256:-}"

# The installer wants these two files of a host that has the driver; the driver itself is mounted at run time.
mkdir -p /usr/local/Ascend/driver
driver_info=/usr/local/Ascend/driver/version.info
install_info=/etc/ascend_install.info
if [ -s version.info ]; then cp version.info "$driver_info"; else
    printf 'Version=20.2.0\nrequired_firmware_firmware_version=1.0\n' >"$driver_info"
fi
if [ -s ascend_install.info ]; then cp ascend_install.info "$install_info"; else
    {
        printf 'UserName=HwHiAiUser\nUserGroup=HwHiAiUser\n'
        printf 'Driver_Install_Type=run\nDriver_Install_Path_Param=/usr/local/Ascend\nDriver_Install_For_All=no\n'
        printf 'Firmware_Install_Type=run\nFirmware_Install_Path_Param=/usr/local/Ascend\n'
        printf 'Aicpu_Kernels_Install_Type=full\nAicpu_Kernels_Install_Path_Param=/usr/local/Ascend\n'
    } >"$install_info"
fi

chmod u+x "$toolkit"
"./$toolkit" --check || fail "$toolkit is damaged: its own --check says so."
"./$toolkit" --quiet --install --install-path=/usr/local/Ascend --install-for-all ||
    fail "$toolkit failed; its log is /var/log/ascend_seclog/ascend_toolkit_install.log"
rm -f "$driver_info" "$install_info"
rmdir /usr/local/Ascend/driver 2>/dev/null || true

latest=/usr/local/Ascend/ascend-toolkit/latest
[ -d "$latest/" ] || fail "the installer left no $latest"
[ -f /usr/local/Ascend/ascend-toolkit/set_env.sh ] || fail "the installer left no set_env.sh"
[ -x "$latest/bin/atc" ] || [ -x "$latest/atc/bin/atc" ] || fail "the installer left no atc"

mkdir -p /usr/local/Ascend/benchmark
if [ -s "benchmark.$ARCH" ]; then
    cp "benchmark.$ARCH" "/usr/local/Ascend/benchmark/benchmark.$ARCH"
    chmod 755 "/usr/local/Ascend/benchmark/benchmark.$ARCH" # it comes without the bit
fi
# Every user runs the tools: kit gives containers the caller's uid.
chmod -R a+rX /usr/local/Ascend
