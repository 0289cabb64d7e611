"""The films of the built-in sample: one a line, in the order of their years; the line number is the item id.

A line is `title (year)|genres|kind|fame|liking`. Title, year and genres are facts. The *kind* is the circle
of similar films that the simulated viewers see a film in. *Fame* and *liking* (1 to 9) are impressions typed
in by hand so that the simulation looks like life; they are not measurements of what real people think.
"""

TASTES = ("spectacle", "darkness", "laughter", "heart", "art", "wonder", "grit")
"""What viewers love or avoid, each to their own degree; F in number."""

KINDS = """
silent      0  0  0  0  3  1  0
slapstick   0 -1  3  0  1  0  0
screwball   0 -1  2  2  0  0  0
noir        0  2  0  0  1  0  2
western     1  0  0 -1  0  0  2
musical     1 -2  1  2  0  1 -1
suspense    0  2  0  0  1  0  1
epic        2  0  0  1  0  0  0
war         1  1  0  0  0 -1  2
samurai     1  0  0  0  2  0  2
arthouse   -1  0  0  0  3  0  0
realism    -1  0  0  1  2 -1  1
gangster    0  1  0  0  0 -1  3
heist       1  0  1  0  0  0  2
space       3  0  0  0  0  2  0
future      2  1  0  0  0  2  0
puzzle      0  2  0  0  1  1  0
monster     1  3  0  0  0  1  0
horror      0  3  0 -1  0  0  0
hero        3  0  0  0 -1  1  0
magic       2  0  0  0 -1  3 -1
quest       3 -1  1  0 -1  1  0
spy         2  0  0  0 -1 -1  1
action      3  1  0 -1 -1 -1  1
cartoon     0 -2  1  1 -1  3 -2
anime       0  0  0  0  1  3 -1
family      0 -2  1  1 -1  2 -2
romcom     -1 -1  2  3 -1  0 -1
romance    -1  0  0  3  1  0  0
teen        0 -1  2  1 -1  0  0
spoof       0  0  3 -1  0  0  0
indie      -1  0  1  1  2  0  0
killer      0  3  0 -1  0  0  2
court      -1  0  0  1  0 -1  1
courage     0  0  0  2  0  0  1
life       -1  0  0  2  1 -1  0
sport       1  0  0  2 -1  0  1
history     0  1  0  1  1 -1  1
true       -1  0  0  0  2 -1  0
"""
"""Each kind of film, and how much it has of each of `TASTES`."""

FILMS = """
The Cabinet of Dr. Caligari (1920)|Horror, Mystery|silent|2|7
The Kid (1921)|Comedy, Drama|slapstick|3|8
Nosferatu (1922)|Fantasy, Horror|silent|4|7
Sherlock Jr. (1924)|Comedy, Romance|slapstick|2|8
The Gold Rush (1925)|Adventure, Comedy|slapstick|4|8
The General (1926)|Action, Comedy, War|slapstick|3|8
Metropolis (1927)|Drama, Sci-Fi|silent|5|8
Sunrise (1927)|Drama, Romance|silent|2|8
All Quiet on the Western Front (1930)|Drama, War|war|3|8
City Lights (1931)|Comedy, Romance|slapstick|4|9
M (1931)|Crime, Mystery, Thriller|noir|4|8
Frankenstein (1931)|Horror, Sci-Fi|monster|4|7
King Kong (1933)|Adventure, Fantasy, Horror|monster|4|7
It Happened One Night (1934)|Comedy, Romance|screwball|3|8
Modern Times (1936)|Comedy, Drama|slapstick|4|9
Snow White and the Seven Dwarfs (1937)|Animation, Family, Fantasy, Musical|cartoon|6|7
Bringing Up Baby (1938)|Comedy, Romance|screwball|3|7
Gone with the Wind (1939)|Drama, Romance, War|epic|6|7
The Wizard of Oz (1939)|Adventure, Family, Fantasy, Musical|family|7|8
Stagecoach (1939)|Adventure, Western|western|3|7
The Great Dictator (1940)|Comedy, Drama, War|slapstick|4|8
Pinocchio (1940)|Animation, Family, Fantasy, Musical|cartoon|5|6
The Philadelphia Story (1940)|Comedy, Romance|screwball|3|7
Citizen Kane (1941)|Drama, Mystery|arthouse|7|8
The Maltese Falcon (1941)|Crime, Mystery|noir|4|8
Casablanca (1942)|Drama, Romance, War|romance|8|9
Double Indemnity (1944)|Crime, Thriller|noir|4|8
It's a Wonderful Life (1946)|Drama, Family, Fantasy|life|7|8
Beauty and the Beast (1946)|Fantasy, Romance|arthouse|2|7
The Big Sleep (1946)|Crime, Mystery|noir|3|7
Bicycle Thieves (1948)|Drama|realism|4|8
The Third Man (1949)|Mystery, Thriller|noir|4|8
Rashomon (1950)|Crime, Drama, Mystery|samurai|4|8
Sunset Boulevard (1950)|Drama|noir|4|8
All About Eve (1950)|Drama|life|3|8
A Streetcar Named Desire (1951)|Drama|life|4|7
Singin' in the Rain (1952)|Comedy, Musical, Romance|musical|5|8
High Noon (1952)|Drama, Western|western|4|7
Tokyo Story (1953)|Drama|realism|3|8
Roman Holiday (1953)|Comedy, Romance|romcom|5|8
Godzilla (1954)|Horror, Sci-Fi|monster|4|6
Seven Samurai (1954)|Action, Drama|samurai|6|9
Rear Window (1954)|Mystery, Thriller|suspense|6|9
On the Waterfront (1954)|Crime, Drama|courage|4|8
Pather Panchali (1955)|Drama|realism|2|8
The Searchers (1956)|Adventure, Drama, Western|western|4|7
12 Angry Men (1957)|Crime, Drama|court|7|9
The Seventh Seal (1957)|Drama, Fantasy|arthouse|4|8
Paths of Glory (1957)|Drama, War|war|4|8
The Bridge on the River Kwai (1957)|Adventure, Drama, War|war|5|8
Plan 9 from Outer Space (1957)|Horror, Sci-Fi|monster|3|2
Vertigo (1958)|Mystery, Romance, Thriller|suspense|6|8
Some Like It Hot (1959)|Comedy, Romance|screwball|5|8
North by Northwest (1959)|Adventure, Mystery, Thriller|suspense|6|8
Ben-Hur (1959)|Adventure, Drama|epic|5|7
The 400 Blows (1959)|Crime, Drama|realism|4|8
Psycho (1960)|Horror, Thriller|suspense|8|8
The Apartment (1960)|Comedy, Drama, Romance|romcom|4|8
The Magnificent Seven (1960)|Action, Adventure, Western|western|4|7
Breakfast at Tiffany's (1961)|Comedy, Drama, Romance|romcom|5|7
West Side Story (1961)|Crime, Musical, Romance|musical|5|7
Yojimbo (1961)|Action, Drama|samurai|4|8
Lawrence of Arabia (1962)|Adventure, Drama, War|epic|6|8
To Kill a Mockingbird (1962)|Crime, Drama|court|6|8
Dr. No (1962)|Action, Adventure, Thriller|spy|5|6
8½ (1963)|Drama, Fantasy|arthouse|4|8
The Great Escape (1963)|Adventure, Drama, War|war|5|8
The Birds (1963)|Horror, Mystery, Thriller|suspense|5|7
Dr. Strangelove (1964)|Comedy, War|spoof|7|8
Mary Poppins (1964)|Comedy, Family, Fantasy, Musical|family|6|7
Goldfinger (1964)|Action, Adventure, Thriller|spy|5|7
A Fistful of Dollars (1964)|Action, Drama, Western|western|5|8
The Umbrellas of Cherbourg (1964)|Drama, Musical, Romance|musical|2|8
The Sound of Music (1965)|Drama, Family, Musical, Romance|musical|7|7
Doctor Zhivago (1965)|Drama, Romance, War|epic|4|7
The Battle of Algiers (1966)|Drama, War|war|3|8
The Good, the Bad and the Ugly (1966)|Adventure, Western|western|7|9
The Graduate (1967)|Comedy, Drama, Romance|indie|6|7
Playtime (1967)|Comedy|slapstick|2|7
The Jungle Book (1967)|Adventure, Animation, Family, Musical|cartoon|6|7
2001: A Space Odyssey (1968)|Adventure, Mystery, Sci-Fi|space|7|8
Once Upon a Time in the West (1968)|Drama, Western|western|5|8
Rosemary's Baby (1968)|Drama, Horror|horror|4|8
Night of the Living Dead (1968)|Horror|horror|4|7
Barbarella (1968)|Adventure, Fantasy, Sci-Fi|space|3|4
Butch Cassidy and the Sundance Kid (1969)|Crime, Drama, Western|western|5|8
A Clockwork Orange (1971)|Crime, Drama, Sci-Fi|future|7|8
The Godfather (1972)|Crime, Drama|gangster|9|9
Solaris (1972)|Drama, Mystery, Sci-Fi|arthouse|3|8
The Exorcist (1973)|Horror|horror|7|8
The Sting (1973)|Comedy, Crime, Drama|heist|5|8
The Godfather Part II (1974)|Crime, Drama|gangster|8|9
Chinatown (1974)|Crime, Mystery, Thriller|noir|5|8
Young Frankenstein (1974)|Comedy|spoof|5|8
The Texas Chain Saw Massacre (1974)|Horror|horror|4|6
Jaws (1975)|Adventure, Horror, Thriller|monster|7|8
One Flew Over the Cuckoo's Nest (1975)|Drama|courage|7|9
Monty Python and the Holy Grail (1975)|Adventure, Comedy, Fantasy|spoof|7|8
Sholay (1975)|Action, Adventure, Musical|western|2|7
Taxi Driver (1976)|Crime, Drama|gangster|7|8
Rocky (1976)|Drama|sport|6|7
Star Wars (1977)|Action, Adventure, Fantasy, Sci-Fi|space|9|9
Annie Hall (1977)|Comedy, Romance|romcom|5|8
Halloween (1978)|Horror, Thriller|horror|5|7
Superman (1978)|Action, Adventure, Sci-Fi|hero|5|6
Grease (1978)|Comedy, Musical, Romance|musical|5|6
Alien (1979)|Horror, Sci-Fi|monster|8|8
Apocalypse Now (1979)|Drama, War|war|7|9
Stalker (1979)|Drama, Sci-Fi|arthouse|3|8
Life of Brian (1979)|Comedy|spoof|6|8
The Empire Strikes Back (1980)|Action, Adventure, Fantasy, Sci-Fi|space|8|9
The Shining (1980)|Horror, Mystery|horror|8|8
Raging Bull (1980)|Drama|sport|5|8
Airplane! (1980)|Comedy|spoof|6|8
Raiders of the Lost Ark (1981)|Action, Adventure|quest|8|8
Das Boot (1981)|Drama, War|war|4|8
E.T. the Extra-Terrestrial (1982)|Adventure, Family, Sci-Fi|family|8|8
Blade Runner (1982)|Drama, Sci-Fi, Thriller|future|7|8
The Thing (1982)|Horror, Mystery, Sci-Fi|monster|6|8
Return of the Jedi (1983)|Action, Adventure, Fantasy, Sci-Fi|space|8|8
Scarface (1983)|Crime, Drama|gangster|6|8
The Terminator (1984)|Action, Sci-Fi, Thriller|future|8|8
Ghostbusters (1984)|Comedy, Fantasy, Sci-Fi|spoof|7|7
This Is Spinal Tap (1984)|Comedy, Musical|spoof|4|8
Paris, Texas (1984)|Drama|indie|3|8
Police Academy (1984)|Comedy|spoof|5|5
Back to the Future (1985)|Adventure, Comedy, Sci-Fi|quest|8|9
The Breakfast Club (1985)|Comedy, Drama|teen|6|7
Ran (1985)|Drama, War|samurai|4|8
Aliens (1986)|Action, Horror, Sci-Fi|monster|7|8
Blue Velvet (1986)|Crime, Drama, Mystery|puzzle|4|7
Stand by Me (1986)|Adventure, Drama|courage|6|8
Ferris Bueller's Day Off (1986)|Comedy|teen|6|7
Top Gun (1986)|Action, Drama, Romance|action|6|6
Howard the Duck (1986)|Action, Comedy, Sci-Fi|hero|3|3
The Princess Bride (1987)|Adventure, Comedy, Fantasy, Romance|quest|7|8
Dirty Dancing (1987)|Drama, Musical, Romance|romance|5|6
Predator (1987)|Action, Horror, Sci-Fi|action|6|7
Die Hard (1988)|Action, Crime, Thriller|action|8|8
My Neighbor Totoro (1988)|Animation, Family, Fantasy|anime|5|8
Akira (1988)|Action, Animation, Sci-Fi|anime|4|7
Cinema Paradiso (1988)|Drama, Romance|romance|4|9
Who Framed Roger Rabbit (1988)|Animation, Comedy, Crime, Fantasy|cartoon|6|7
Grave of the Fireflies (1988)|Animation, Drama, War|anime|4|8
The Thin Blue Line (1988)|Crime, Documentary|true|2|8
When Harry Met Sally... (1989)|Comedy, Romance|romcom|6|8
Dead Poets Society (1989)|Drama|courage|6|8
Indiana Jones and the Last Crusade (1989)|Action, Adventure|quest|7|8
The Little Mermaid (1989)|Animation, Family, Fantasy, Musical|cartoon|6|7
Batman (1989)|Action, Crime|hero|6|6
Goodfellas (1990)|Crime, Drama|gangster|8|9
Pretty Woman (1990)|Comedy, Romance|romcom|6|6
Home Alone (1990)|Comedy, Family|family|7|6
Edward Scissorhands (1990)|Drama, Fantasy, Romance|magic|6|7
The Silence of the Lambs (1991)|Crime, Horror, Thriller|killer|9|9
Terminator 2: Judgment Day (1991)|Action, Sci-Fi|future|8|8
Beauty and the Beast (1991)|Animation, Family, Fantasy, Musical, Romance|cartoon|7|8
Thelma & Louise (1991)|Adventure, Crime, Drama|courage|5|7
Raise the Red Lantern (1991)|Drama, Romance|arthouse|3|8
Reservoir Dogs (1992)|Crime, Thriller|gangster|7|8
Unforgiven (1992)|Drama, Western|western|6|8
Aladdin (1992)|Adventure, Animation, Comedy, Family, Musical|cartoon|7|8
A Few Good Men (1992)|Crime, Drama, Thriller|court|5|7
Schindler's List (1993)|Drama, War|history|8|9
Jurassic Park (1993)|Action, Adventure, Sci-Fi|quest|9|8
Groundhog Day (1993)|Comedy, Fantasy, Romance|romcom|7|8
The Piano (1993)|Drama, Romance|romance|4|7
The Shawshank Redemption (1994)|Crime, Drama|courage|9|9
Pulp Fiction (1994)|Comedy, Crime, Thriller|gangster|9|9
Forrest Gump (1994)|Comedy, Drama, Romance, War|life|9|8
The Lion King (1994)|Adventure, Animation, Family, Musical|cartoon|8|8
Léon: The Professional (1994)|Action, Crime, Drama|action|6|8
Four Weddings and a Funeral (1994)|Comedy, Romance|romcom|6|7
Chungking Express (1994)|Comedy, Drama, Romance|indie|3|8
Hoop Dreams (1994)|Documentary|true|2|8
Dumb and Dumber (1994)|Comedy|spoof|6|6
Toy Story (1995)|Adventure, Animation, Comedy, Family|cartoon|8|8
Se7en (1995)|Crime, Mystery, Thriller|killer|8|8
The Usual Suspects (1995)|Crime, Mystery, Thriller|heist|7|9
Before Sunrise (1995)|Drama, Romance|romance|5|8
Heat (1995)|Action, Crime, Thriller|heist|6|8
Braveheart (1995)|Action, Drama, War|epic|7|8
La Haine (1995)|Crime, Drama|realism|4|8
Clueless (1995)|Comedy, Romance|teen|5|7
Showgirls (1995)|Drama|romance|3|2
Waterworld (1995)|Action, Adventure, Sci-Fi|future|5|4
Fargo (1996)|Comedy, Crime, Thriller|gangster|7|8
Trainspotting (1996)|Comedy, Crime, Drama|indie|6|8
Scream (1996)|Horror, Mystery, Thriller|horror|6|6
Independence Day (1996)|Action, Sci-Fi|space|7|5
Titanic (1997)|Drama, Romance|romance|8|7
Good Will Hunting (1997)|Drama|courage|7|8
L.A. Confidential (1997)|Crime, Mystery, Thriller|noir|6|8
Life Is Beautiful (1997)|Comedy, Drama, Romance, War|history|6|9
Princess Mononoke (1997)|Action, Adventure, Animation, Fantasy|anime|5|8
Men in Black (1997)|Action, Comedy, Sci-Fi|space|7|6
Batman & Robin (1997)|Action, Adventure, Sci-Fi|hero|5|1
The Big Lebowski (1998)|Comedy, Crime|spoof|7|8
Saving Private Ryan (1998)|Action, Drama, War|war|8|8
The Truman Show (1998)|Comedy, Drama, Sci-Fi|puzzle|7|8
Run Lola Run (1998)|Action, Crime, Thriller|puzzle|5|8
Central Station (1998)|Drama|realism|2|8
Ring (1998)|Horror, Mystery|horror|4|7
Godzilla (1998)|Action, Sci-Fi, Thriller|monster|5|3
Armageddon (1998)|Action, Adventure, Sci-Fi|space|6|5
The Matrix (1999)|Action, Sci-Fi, Thriller|future|9|9
Fight Club (1999)|Action, Crime, Drama, Thriller|puzzle|9|9
The Sixth Sense (1999)|Drama, Horror, Mystery|puzzle|8|8
American Beauty (1999)|Drama, Romance|indie|7|8
Being John Malkovich (1999)|Comedy, Drama, Fantasy|puzzle|6|8
Star Wars: Episode I - The Phantom Menace (1999)|Action, Adventure, Sci-Fi|space|7|4
Buena Vista Social Club (1999)|Documentary, Musical|true|3|8
10 Things I Hate About You (1999)|Comedy, Romance|teen|6|7
The Blair Witch Project (1999)|Horror, Mystery|horror|5|5
Gladiator (2000)|Action, Adventure, Drama|epic|8|8
Memento (2000)|Mystery, Thriller|puzzle|7|8
In the Mood for Love (2000)|Drama, Romance|romance|4|8
Crouching Tiger, Hidden Dragon (2000)|Action, Drama, Romance|samurai|6|8
Amores Perros (2000)|Drama, Thriller|realism|4|8
X-Men (2000)|Action, Adventure, Sci-Fi|hero|6|6
The Lord of the Rings: The Fellowship of the Ring (2001)|Adventure, Fantasy|magic|9|9
Spirited Away (2001)|Adventure, Animation, Family, Fantasy|anime|7|9
Amélie (2001)|Comedy, Romance|romcom|7|8
Mulholland Drive (2001)|Drama, Mystery, Thriller|puzzle|5|8
Harry Potter and the Sorcerer's Stone (2001)|Adventure, Family, Fantasy|magic|7|7
Shrek (2001)|Adventure, Animation, Comedy, Family, Fantasy|cartoon|8|7
Moulin Rouge! (2001)|Drama, Musical, Romance|musical|6|7
Lagaan (2001)|Drama, Musical|sport|2|8
Ocean's Eleven (2001)|Comedy, Crime, Thriller|heist|7|7
City of God (2002)|Crime, Drama|gangster|6|9
Spider-Man (2002)|Action, Adventure, Sci-Fi|hero|7|6
The Pianist (2002)|Drama, War|history|6|8
The Bourne Identity (2002)|Action, Mystery, Thriller|spy|7|7
Bowling for Columbine (2002)|Documentary|true|4|7
Die Another Day (2002)|Action, Adventure, Thriller|spy|5|5
The Lord of the Rings: The Return of the King (2003)|Action, Adventure, Fantasy|magic|9|9
Finding Nemo (2003)|Adventure, Animation, Comedy, Family|cartoon|8|8
Kill Bill: Vol. 1 (2003)|Action, Crime, Thriller|action|7|8
Oldboy (2003)|Action, Mystery, Thriller|killer|5|8
Lost in Translation (2003)|Comedy, Drama, Romance|indie|6|7
Pirates of the Caribbean: The Curse of the Black Pearl (2003)|Action, Adventure, Fantasy|quest|8|7
Love Actually (2003)|Comedy, Drama, Romance|romcom|6|7
Good Bye, Lenin! (2003)|Comedy, Drama|indie|4|8
Memories of Murder (2003)|Crime, Mystery, Thriller|killer|3|8
The Room (2003)|Drama|romance|3|2
Eternal Sunshine of the Spotless Mind (2004)|Drama, Romance, Sci-Fi|puzzle|7|8
The Incredibles (2004)|Action, Adventure, Animation, Family|cartoon|7|8
Howl's Moving Castle (2004)|Adventure, Animation, Fantasy, Romance|anime|5|8
Downfall (2004)|Drama, War|history|4|8
Shaun of the Dead (2004)|Comedy, Horror|spoof|6|8
Mean Girls (2004)|Comedy|teen|6|7
Million Dollar Baby (2004)|Drama|sport|5|8
Catwoman (2004)|Action, Crime, Fantasy|hero|4|2
Saw (2004)|Horror, Mystery, Thriller|horror|5|6
Batman Begins (2005)|Action, Crime|hero|7|8
King Kong (2005)|Action, Adventure, Drama|monster|5|6
Pride & Prejudice (2005)|Drama, Romance|romance|5|8
March of the Penguins (2005)|Documentary, Family|true|3|7
Brokeback Mountain (2005)|Drama, Romance, Western|romance|5|8
Pan's Labyrinth (2006)|Drama, Fantasy, Horror|magic|6|8
The Departed (2006)|Crime, Drama, Thriller|gangster|7|8
The Lives of Others (2006)|Drama, Thriller|history|5|8
Children of Men (2006)|Drama, Sci-Fi, Thriller|future|6|8
Casino Royale (2006)|Action, Adventure, Thriller|spy|7|8
Little Miss Sunshine (2006)|Comedy, Drama|indie|6|8
The Da Vinci Code (2006)|Mystery, Thriller|puzzle|5|5
Ratatouille (2007)|Animation, Comedy, Family|cartoon|7|8
No Country for Old Men (2007)|Crime, Drama, Thriller|killer|7|8
There Will Be Blood (2007)|Drama|life|5|8
Superbad (2007)|Comedy|teen|6|7
Transformers (2007)|Action, Adventure, Sci-Fi|action|6|5
The Dark Knight (2008)|Action, Crime, Drama|hero|9|9
WALL-E (2008)|Adventure, Animation, Family, Sci-Fi|cartoon|8|8
Slumdog Millionaire (2008)|Crime, Drama, Romance|courage|7|8
Iron Man (2008)|Action, Adventure, Sci-Fi|hero|7|7
Mamma Mia! (2008)|Comedy, Musical, Romance|musical|5|6
Let the Right One In (2008)|Drama, Horror, Romance|horror|4|8
Man on Wire (2008)|Documentary|true|3|8
Twilight (2008)|Drama, Fantasy, Romance|romance|5|3
Avatar (2009)|Action, Adventure, Fantasy, Sci-Fi|space|8|7
Inglourious Basterds (2009)|Action, Drama, War|war|7|8
Up (2009)|Adventure, Animation, Comedy, Family|cartoon|7|8
District 9 (2009)|Action, Sci-Fi, Thriller|future|6|7
3 Idiots (2009)|Comedy, Drama|courage|4|8
Inception (2010)|Action, Sci-Fi, Thriller|future|9|9
The Social Network (2010)|Drama|life|7|8
The King's Speech (2010)|Drama|life|6|8
A Separation (2011)|Drama|realism|4|8
The Intouchables (2011)|Comedy, Drama|life|6|8
Bridesmaids (2011)|Comedy, Romance|romcom|5|6
Django Unchained (2012)|Action, Drama, Western|western|7|8
The Avengers (2012)|Action, Adventure, Sci-Fi|hero|8|8
The Hunt (2012)|Drama|court|4|8
Skyfall (2012)|Action, Adventure, Thriller|spy|7|7
The Act of Killing (2012)|Documentary|true|2|8
The Hunger Games (2012)|Action, Adventure, Sci-Fi|future|7|6
Gravity (2013)|Drama, Sci-Fi, Thriller|space|7|7
Frozen (2013)|Adventure, Animation, Family, Musical|cartoon|7|7
12 Years a Slave (2013)|Drama|history|5|8
The Wolf of Wall Street (2013)|Comedy, Crime, Drama|gangster|7|8
Interstellar (2014)|Adventure, Drama, Sci-Fi|space|9|8
The Grand Budapest Hotel (2014)|Adventure, Comedy, Crime|indie|7|8
Whiplash (2014)|Drama, Musical|courage|6|8
Guardians of the Galaxy (2014)|Action, Adventure, Sci-Fi|space|7|8
What We Do in the Shadows (2014)|Comedy, Horror|spoof|4|8
Mad Max: Fury Road (2015)|Action, Adventure, Sci-Fi|action|7|8
Inside Out (2015)|Adventure, Animation, Comedy, Family|cartoon|7|8
The Martian (2015)|Adventure, Drama, Sci-Fi|space|7|8
Star Wars: The Force Awakens (2015)|Action, Adventure, Sci-Fi|space|7|7
Fifty Shades of Grey (2015)|Drama, Romance|romance|4|2
Arrival (2016)|Drama, Mystery, Sci-Fi|space|7|8
La La Land (2016)|Comedy, Drama, Musical, Romance|musical|6|8
Your Name. (2016)|Animation, Drama, Fantasy, Romance|anime|5|8
Train to Busan (2016)|Action, Horror, Thriller|monster|4|7
Get Out (2017)|Horror, Mystery, Thriller|horror|6|8
Dunkirk (2017)|Action, Drama, War|war|6|7
Coco (2017)|Adventure, Animation, Family, Fantasy, Musical|cartoon|6|8
Lady Bird (2017)|Comedy, Drama|teen|5|7
Blade Runner 2049 (2017)|Drama, Mystery, Sci-Fi|future|6|8
Roma (2018)|Drama|realism|4|7
Spider-Man: Into the Spider-Verse (2018)|Action, Adventure, Animation, Sci-Fi|hero|6|8
Free Solo (2018)|Adventure, Documentary|true|3|8
Parasite (2019)|Comedy, Drama, Thriller|killer|7|9
Joker (2019)|Crime, Drama, Thriller|hero|7|8
Avengers: Endgame (2019)|Action, Adventure, Drama, Sci-Fi|hero|7|8
Knives Out (2019)|Comedy, Crime, Mystery|heist|6|8
Portrait of a Lady on Fire (2019)|Drama, Romance|romance|4|8
1917 (2019)|Action, Drama, War|war|6|8
Cats (2019)|Comedy, Fantasy, Musical|musical|3|1
Dune (2021)|Action, Adventure, Drama, Sci-Fi|space|7|8
Drive My Car (2021)|Drama|arthouse|3|7
West Side Story (2021)|Crime, Musical, Romance|musical|4|7
Everything Everywhere All at Once (2022)|Action, Adventure, Comedy, Sci-Fi|puzzle|6|8
Top Gun: Maverick (2022)|Action, Drama|action|6|8
All Quiet on the Western Front (2022)|Drama, War|war|4|8
RRR (2022)|Action, Adventure, Drama|action|4|7
Oppenheimer (2023)|Drama|life|7|8
Barbie (2023)|Adventure, Comedy, Fantasy|spoof|6|6
The Zone of Interest (2023)|Drama, War|history|3|7
Past Lives (2023)|Drama, Romance|romance|4|8
"""
"""The films; id 1 is the first line."""
