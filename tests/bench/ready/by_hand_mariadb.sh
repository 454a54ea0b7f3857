#!/bin/sh
# The bare minimum on MariaDB: nothing is looked at first, nothing is tried again, and of TLS there is nothing.
#   by_hand_mariadb.sh source|replica DOCUMENT     in the environment: client, a command, and socket
set -eu
eval "$(jq --raw-output --from-file "$(dirname "$0")/by_hand.jq" "$2")"

sql() { $client --no-defaults --socket="$socket" --user=root --skip-ssl --batch --skip-column-names "$@"; }

case $1 in
source)
    sql <<END
SET GLOBAL server_id = $server_id;
CREATE USER '$user'@'%' IDENTIFIED BY '$password';
GRANT REPLICATION SLAVE ON *.* TO '$user'@'%';
SET GLOBAL read_only = 0;
END
    ;;
replica)
    position=$(MYSQL_PWD=$password $client --no-defaults --host="$address" --port="$port" --user="$user" --skip-ssl \
        --batch --skip-column-names --execute='SELECT @@gtid_binlog_pos')
    caught_up=$(
        sql <<END
SET GLOBAL read_only = 1, server_id = $server_id;
CHANGE MASTER TO MASTER_HOST = '$address', MASTER_PORT = $port, MASTER_USER = '$user', MASTER_PASSWORD = '$password',
    MASTER_USE_GTID = slave_pos;
START SLAVE;
SELECT MASTER_GTID_WAIT('$position', 60);
END
    )
    [ "$caught_up" = 0 ]
    ;;
esac
curl --silent --fail --output /dev/null --request PUT --header 'Content-Type: application/json' --data \
    '{"Status": "SUCCESS", "Reason": "ready", "UniqueId": "'"$1"'", "Data": "ready"}' "$handle"
