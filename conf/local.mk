# SPDX-License-Identifier: BSD-2-Clause
# Example configuration, units, users, directories, kernel settings.
