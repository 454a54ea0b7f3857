#!/bin/sh
# The bare minimum on MySQL: nothing is looked at first, nothing is tried again, and of TLS there is what the server
# does by itself.
#   by_hand_mysql.sh source|replica DOCUMENT     in the environment: client, a command, and socket
set -eu
eval "$(jq --raw-output --from-file "$(dirname "$0")/by_hand.jq" "$2")"

sql() { $client --no-defaults --socket="$socket" --user=root --ssl-mode=DISABLED --batch --skip-column-names "$@"; }

case $1 in
source)
    sql <<END
SET GLOBAL server_id = $server_id;
SET GLOBAL super_read_only = 0;
SET GLOBAL read_only = 0;
CREATE USER '$user'@'%' IDENTIFIED BY '$password';
GRANT REPLICATION SLAVE ON *.* TO '$user'@'%';
END
    ;;
replica)
    position=$(MYSQL_PWD=$password $client --no-defaults --host="$address" --port="$port" --user="$user" \
        --batch --skip-column-names --execute='SELECT @@GLOBAL.gtid_executed')
    caught_up=$(
        sql <<END
SET GLOBAL super_read_only = 1;
SET GLOBAL server_id = $server_id;
CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$address', SOURCE_PORT = $port, SOURCE_USER = '$user',
    SOURCE_PASSWORD = '$password', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1;
START REPLICA;
SELECT WAIT_FOR_EXECUTED_GTID_SET('$position', 60);
END
    )
    [ "$caught_up" = 0 ]
    ;;
esac
curl --silent --fail --output /dev/null --request PUT --header 'Content-Type: application/json' --data \
    '{"Status": "SUCCESS", "Reason": "ready", "UniqueId": "'"$1"'", "Data": "ready"}' "$handle"
